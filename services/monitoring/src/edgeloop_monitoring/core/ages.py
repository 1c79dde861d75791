"""Ages of rows at their arrival, as a histogram small enough to keep one per window and series."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

_FACTOR = 1.5
# Upper bounds in milliseconds, 1 ms to some 4 h; an estimate is at most half its value off.
BOUNDS: tuple[float, ...] = tuple(_FACTOR**i for i in range(42))


class Ages:
    """Counts of ages by size.

    >>> ages = Ages()
    >>> ages.add([100] * 99 + [5_000])
    >>> 75 < ages.quantile(0.5) < 150
    True
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0

    def add(self, ages_ms: Iterable[float]) -> None:
        """Count some ages in milliseconds; one below zero (a device's clock is ahead) counts as zero."""
        for age in ages_ms:
            self.counts[bisect_left(BOUNDS, age)] += 1
            self.total += 1

    def merge(self, other: Ages) -> None:
        """Add the counts of another histogram."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def quantile(self, q: float) -> float:
        """Age in milliseconds that the share ``q`` of the rows does not exceed, interpolated; 0 without rows."""
        return _quantile(self.counts, q * self.total) if self.total else 0.0


def _quantile(counts: Sequence[int], rank: float) -> float:
    below = 0
    for place, count in enumerate(counts):
        if count and below + count >= rank:
            low = BOUNDS[place - 1] if place else 0.0
            high = BOUNDS[min(place, len(BOUNDS) - 1)]
            return low + (high - low) * (rank - below) / count
        below += count
    return BOUNDS[-1]
