"""Recovery of pending observations from their topic."""

from __future__ import annotations

from typing import Protocol

from edgeloop_contracts import JoinState, ObservationBatch, Topic, topics
from edgeloop_kafka import Received
from edgeloop_readers import RangeGoneError

from edgeloop_labels.core.pending_batch import Pending
from edgeloop_labels.io.cache import PendingCache

FEWEST, MOST = 64, 8192
SLICE_BYTES = 4 << 20


class Reader(Protocol):
    """The method of a range reader that recovery needs."""

    def read(self, topic: Topic, partition: int, first: int, end: int) -> list[Received[ObservationBatch]]:
        """Records with ``first <= offset < end``; raises ``RangeGoneError`` when ``first`` has been deleted."""
        ...


class Rebuild:
    """Restores a cache to the position of the state, slice by slice, so that the process stays alive.

    Parameters
    ----------
    cache, reader, partition
        The cache, the source, and its partition.
    place
        Position of the state.

    Attributes
    ----------
    records
        Records read again so far.
    lost
        Number of offsets that retention had deleted.
    """

    def __init__(self, cache: PendingCache, reader: Reader, partition: int, place: JoinState) -> None:
        self._cache = cache
        self._reader = reader
        self._partition = partition
        self._place = place
        self._next = cache.agree(place)
        # A cache that is behind reads its newest batch again, to check that it belongs to this log.
        self._verify = self._next if cache.size else -1
        self._span = FEWEST
        self.records = 0
        self.lost = 0

    def step(self) -> bool:
        """Read one slice; ``True`` once nothing is missing."""
        if self._next >= self._place.position:
            return True
        end = min(self._next + self._span, self._place.position)
        try:
            records = self._reader.read(topics.OBSERVATIONS, self._partition, self._next, end)
        except RangeGoneError:
            left = self._first_left()
            self.lost += left - self._next
            self._next = left
            return self._next >= self._place.position
        if self._verify >= 0:
            verify, self._verify = self._verify, -1
            if not (records and records[0].offset == verify and self._cache.same(verify, records[0].id)):
                self._cache.clear()
                self._next = self._place.low_water
                return False
            records = records[1:]
        for received in records:
            self._cache.add(Pending(received.offset, received.timestamp, received.id, received.event))
        self._cache.write()
        self.records += len(records)
        size = sum(len(received.raw) for received in records)
        self._span = min(self._span * 2, MOST) if size < SLICE_BYTES else max(self._span // 2, 1)
        self._next = end
        return self._next >= self._place.position

    def _first_left(self) -> int:
        """Smallest readable offset above the next one, by bisection; the position of the state if there is none."""
        gone, left = self._next, self._place.position
        while left - gone > 1:
            middle = (gone + left) // 2
            try:
                self._reader.read(topics.OBSERVATIONS, self._partition, middle, middle + 1)
                left = middle
            except RangeGoneError:
                gone = middle
        return left
