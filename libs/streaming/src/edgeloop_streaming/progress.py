"""Whether a loop moves, or has nothing to do, or hangs in a call: what its watchdogs ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

Place = tuple[str, int]
LOOK_S = 5.0
STEP_S = 5.0


class Progress:
    """When a loop last moved, or was seen to have no input that waits.

    A loop can turn without moving: a consumer that does not rejoin its group or does not fetch, a commit that fails each time.

    Parameters
    ----------
    ends
        End offsets of topics' partitions, asked from the broker; only while nothing moves, every five seconds.
    clock
        Seconds that only rise.

    Attributes
    ----------
    moved
        By ``clock``.
    """

    def __init__(self, ends: Callable[[Iterable[Place]], Mapping[Place, int]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ends = ends
        self._clock = clock
        self._reached: dict[Place, int] = {}
        self.moved = self._rebuilt = clock()
        self._due = self.moved + LOOK_S

    def committed(self) -> None:
        """A transaction has committed."""
        self.moved = self._clock()
        self._due = self.moved + LOOK_S

    def rebuilt(self) -> None:
        """A record of the state was read again: the time of a rebuild that gets on is no standstill, the time between rebuilds is."""
        now = self._clock()
        self.moved = min(now, self.moved + min(now - self._rebuilt, STEP_S))
        self._rebuilt = now

    def at_end(self, place: Place, offset: int) -> None:
        """The consumer has read a partition up to ``offset``, where it ended."""
        self._reached[place] = offset

    def look(self, places: Iterable[Place]) -> None:
        """See whether there is input in ``places``, which leave out those that wait for something on purpose."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + LOOK_S
        if all(self._reached.get(place, 0) >= end for place, end in self._ends(places).items()):
            self.moved = now


class Calls:
    """The calls of a client that may hang, past their own time-outs (lrk#5511).

    Attributes
    ----------
    number
        Rises when a call begins and when it ends: odd while one lasts.
    """

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One call."""
        self.number += 1
        try:
            yield
        finally:
            self.number += 1
