"""Progress of a loop for its watchdogs: it moves, has no input, or hangs in a call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

Place = tuple[str, int]
CHECK_S = 5.0
STEP_S = 5.0


class Progress:
    """The time when a loop last moved, or was known to have no input.

    A loop can turn without moving: its consumer does not rejoin the group or does not fetch, or each commit fails.

    Parameters
    ----------
    ends
        Reads end offsets from the broker; called only while nothing moves, every five seconds.
    clock
        Monotonic clock, seconds.

    Attributes
    ----------
    moved
        By ``clock``.
    """

    def __init__(self, ends: Callable[[Iterable[Place]], Mapping[Place, int]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ends = ends
        self._clock = clock
        self._reached: dict[Place, int] = {}
        self.moved = self._restored = clock()
        self._due = self.moved + CHECK_S

    def committed(self) -> None:
        """Note that a transaction has committed."""
        self.moved = self._clock()
        self._due = self.moved + CHECK_S

    def restored(self) -> None:
        """Note that a record of the state was read: time within a restore counts as movement, time between restores does not."""
        now = self._clock()
        self.moved = min(now, self.moved + min(now - self._restored, STEP_S))
        self._restored = now

    def at_end(self, place: Place, offset: int) -> None:
        """Note that the consumer has read a partition up to ``offset``, its end."""
        self._reached[place] = offset

    def check(self, places: Iterable[Place]) -> None:
        """Check for unread input in ``places``, which exclude partitions that are paused or halted."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + CHECK_S
        if all(self._reached.get(place, 0) >= end for place, end in self._ends(places).items()):
            self.moved = now


class Calls:
    """Calls of a client that may hang past their own time-outs (lrk#5511).

    Attributes
    ----------
    number
        Rises when a call begins and when it ends, so it is odd during a call.
    """

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Mark the duration of one call."""
        self.number += 1
        try:
            yield
        finally:
            self.number += 1
