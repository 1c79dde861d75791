"""Pending observations of one partition: the newest in memory, all within the horizon on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from edgeloop_contracts import JoinState

from edgeloop_labels.core.pending_batch import Pending
from edgeloop_labels.core.recent_batches import RecentBatches
from edgeloop_labels.io.database import PendingFile

LOADED = 64
LOADED_SHARE = 8  # share of the memory for batches read again from disk: one part in so many


class PendingCache:
    """Observations that wait for labels.

    It holds facts of the log, so it may be ahead of a committed transaction or behind it. :meth:`agree` deletes what is ahead, and gives
    the offset from which to read what is missing. The state alone decides which rows are labelled. Batches below ``low`` have expired:
    they are no longer found, and are deleted after the commit of the transaction that expired them.

    Parameters
    ----------
    file
        The disk.
    memory
        Bytes of memory for the newest batches and for the last ones read from disk. Batches of the current transaction stay in memory
        until they are on disk.

    Attributes
    ----------
    low
        Offset below which everything has expired.
    size
        Bytes of the batches that have not expired.
    """

    def __init__(self, file: PendingFile, memory: int) -> None:
        self._file = file
        self._memory = memory
        self._recent = RecentBatches()
        self._fresh: list[Pending] = []
        self._loaded: OrderedDict[int, Pending | None] = OrderedDict()
        self._loaded_bytes = 0
        self._head: Pending | None = None
        self._deleted = 0
        self.low = 0
        self.size = 0

    def agree(self, place: JoinState) -> int:
        """Cut the cache to the position of the state; give back the offset from which to read again.

        The offset is ``place.position`` if nothing is missing. If it is the offset of a stored batch, that batch must be equal to the one
        in the log (see :meth:`same`); otherwise the cache belongs to another log.
        """
        self.low = self._deleted = place.low_water
        self._file.delete_from(place.position)
        self._file.write((), place.low_water)
        self.size = self._file.size()
        newest = self._file.newest()
        if newest is None:
            return place.position if place.last_offset is None or place.last_offset < place.low_water else place.low_water
        if newest == (place.last_offset, place.last_id):
            return place.position
        if place.last_offset is None or newest[0] >= place.last_offset:
            self.clear()
            return place.low_water
        return newest[0]

    def same(self, offset: int, event_id: str) -> bool:
        """Whether the newest batch is at ``offset`` and has this id."""
        return self._file.newest() == (offset, event_id)

    def clear(self) -> None:
        """Delete everything: it belongs to another log."""
        self._file.delete_from(0)
        self._loaded.clear()
        self._loaded_bytes = 0
        self.size = 0
        self._head = None

    def add(self, pending: Pending) -> bool:
        """Add a batch. ``False`` if its first row is there already: it is a repeat and changes nothing."""
        if self.find(pending.key, pending.batch.boot_epoch, pending.batch.first_seq) is not None:
            return False
        self._recent.add(pending)
        self._fresh.append(pending)
        self.size += pending.size
        return True

    def find(self, key: str, epoch: int, seq: int) -> Pending | None:
        """Batch that holds a row."""
        hit = self._recent.find(key, epoch, seq)
        if hit is None and (offset := self._file.holding(key, epoch, seq)) is not None:
            hit = self._load(offset)
        return hit if hit and hit.holds(seq) and hit.offset >= self.low else None

    def find_request(self, key: str, epoch: int, request_id: str) -> tuple[Pending, int] | None:
        """Newest row with a request id, and its place in its batch; epoch 0 means any."""
        hit = self._recent.find_request(key, epoch, request_id)
        if hit is None and (place := self._file.request(key, epoch, request_id)):
            loaded = self._load(place[0])
            hit = (loaded, place[1]) if loaded else None
        return hit if hit and hit[0].offset >= self.low else None

    def write(self) -> None:
        """Write new batches to disk, and delete those that an earlier, committed transaction expired."""
        if self._fresh or self._deleted < self.low:
            self._file.write(self._fresh, self.low)
            self._deleted = self.low
            self._fresh.clear()
            self._recent.shrink(self._memory - self._memory // LOADED_SHARE)

    def expire(self, before: int, limit: int) -> Iterator[Pending]:
        """Expire the oldest batches while they are older than ``before`` or all take more than ``limit`` bytes; call after :meth:`write`."""
        while (head := self.head()) and (head.at < before or self.size > limit):
            self.low = head.offset + 1
            self.size -= head.size
            self._head = None
            self._recent.forget_before(self.low)
            yield head

    def head(self) -> Pending | None:
        """The oldest batch that has not expired, among those on disk."""
        if self._head is None and (offset := self._file.next_from(self.low)) is not None:
            self._head = self._file.load(offset)
        return self._head

    def holds_any(self, key: str, epoch: int, first: int, end: int) -> bool:
        """Whether a row of ``[first, end)`` is on disk and has not expired."""
        return self._file.holds_any(key, epoch, first, end, self.low)

    def end_seq(self, key: str, epoch: int) -> int:
        """Sequence number after the last row of a device and epoch on disk; 0 if there is none."""
        return self._file.end_seq(key, epoch)

    def _load(self, offset: int) -> Pending | None:
        if offset not in self._loaded:
            found = self._loaded[offset] = self._file.load(offset)
            self._loaded_bytes += found.memory if found else 0
            while len(self._loaded) > 1 and (len(self._loaded) > LOADED or self._loaded_bytes > self._memory // LOADED_SHARE):
                _, gone = self._loaded.popitem(last=False)
                self._loaded_bytes -= gone.memory if gone else 0
        return self._loaded[offset]
