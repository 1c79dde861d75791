"""Accepted sequence numbers of one device and boot epoch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

MAX_RUNS = 1024


class SeenRuns:
    """Disjoint, ascending half-open runs of sequence numbers that do not touch.

    A device that sends in order needs one run. Refused and lost rows leave gaps. Beyond ``max_runs`` runs the oldest gap is closed, and
    its rows count as accepted.

    Parameters
    ----------
    starts, ends
        First number of each run and the number after it, as another instance's attributes.
    max_runs
        Largest number of runs, at least 1.

    Examples
    --------
    >>> runs = SeenRuns()
    >>> runs.add(0, 4), runs.add(6, 8), runs.add(3, 5)
    (0, 0, 0)
    >>> runs.starts, runs.ends
    ([0, 6], [5, 8])
    >>> runs.unseen(2, 10)
    [(5, 6), (8, 10)]
    """

    def __init__(self, starts: Iterable[int] = (), ends: Iterable[int] = (), max_runs: int = MAX_RUNS) -> None:
        self.starts = list(starts)
        self.ends = list(ends)
        self._max_runs = max_runs

    def unseen(self, first: int, end: int) -> list[tuple[int, int]]:
        """Parts of ``[first, end)`` that no run covers, ascending and half-open."""
        gaps: list[tuple[int, int]] = []
        at = first
        for i in range(bisect_right(self.ends, first), len(self.starts)):
            if self.starts[i] >= end:
                break
            if self.starts[i] > at:
                gaps.append((at, self.starts[i]))
            at = self.ends[i]
        if at < end:
            gaps.append((at, end))
        return gaps

    def add(self, first: int, end: int) -> int:
        """Add ``[first, end)``; give back the number of sequence numbers in closed gaps."""
        if first >= end:
            return 0
        low = bisect_left(self.ends, first)
        high = bisect_right(self.starts, end)
        if low < high:
            first = min(first, self.starts[low])
            end = max(end, self.ends[high - 1])
        self.starts[low:high] = [first]
        self.ends[low:high] = [end]
        given_up = 0
        while len(self.starts) > self._max_runs:
            given_up += self.starts[1] - self.ends[0]
            del self.starts[1], self.ends[0]
        return given_up
