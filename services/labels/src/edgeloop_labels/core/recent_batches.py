"""The newest pending batches, in memory. Almost every label finds its observation here."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque

from edgeloop_contracts.row_numbers import UNNUMBERED

from edgeloop_labels.core.pending_batch import Pending

DEVICE = 450  # bytes of a device and epoch besides its batches


class RecentBatches:
    """Newest pending batches of a partition, by row and by request id.

    All its batches are newer than those that it has dropped.

    Attributes
    ----------
    size
        Bytes of memory in use.
    """

    def __init__(self) -> None:
        self.size = 0
        self._order: deque[Pending] = deque()
        self._by_first: dict[tuple[str, int], dict[int, Pending]] = {}
        self._firsts: dict[tuple[str, int], list[int]] = {}
        self._requests: dict[tuple[str, int, str], tuple[Pending, int]] = {}
        self._epochs: dict[str, dict[int, int]] = {}

    def add(self, pending: Pending) -> None:
        """Add a batch; its rows are in no other batch."""
        place = (pending.key, pending.batch.boot_epoch)
        self._order.append(pending)
        self.size += pending.memory + (0 if place in self._by_first else DEVICE)
        self._by_first.setdefault(place, {})[pending.batch.first_seq] = pending
        insort(self._firsts.setdefault(place, []), pending.batch.first_seq)
        epochs = self._epochs.setdefault(pending.key, {})
        epochs[pending.batch.boot_epoch] = epochs.get(pending.batch.boot_epoch, 0) + 1
        for row, request_id in enumerate(pending.batch.request_ids):
            if request_id:
                self._requests[(*place, request_id)] = (pending, row)

    def find(self, key: str, epoch: int, seq: int) -> Pending | None:
        """Batch that holds a row."""
        firsts = self._firsts.get((key, epoch), ())
        i = bisect_right(firsts, seq)
        if not i:
            return None
        pending = self._by_first[key, epoch][firsts[i - 1]]
        return pending if pending.holds(seq) else None

    def find_request(self, key: str, epoch: int, request_id: str) -> tuple[Pending, int] | None:
        """Newest row with a request id, and its place in its batch. Epoch 0 means any. Rows without their own sequence numbers match
        every epoch.
        """
        epochs = [epoch, UNNUMBERED] if epoch else list(self._epochs.get(key, ()))
        found = [hit for e in epochs if (hit := self._requests.get((key, e, request_id)))]
        return max(found, key=lambda hit: (hit[0].offset, hit[1]), default=None)

    def shrink(self, size: int) -> None:
        """Drop the oldest batches until at most ``size`` bytes are left."""
        while self.size > size and self._order:
            self._drop(self._order.popleft())

    def forget_before(self, offset: int) -> None:
        """Drop all batches below an offset."""
        while self._order and self._order[0].offset < offset:
            self._drop(self._order.popleft())

    def _drop(self, pending: Pending) -> None:
        epoch = pending.batch.boot_epoch
        place = (pending.key, epoch)
        self.size -= pending.memory
        del self._by_first[place][pending.batch.first_seq]
        self._firsts[place].remove(pending.batch.first_seq)
        if not self._firsts[place]:
            del self._firsts[place], self._by_first[place]
            self.size -= DEVICE
        epochs = self._epochs[pending.key]
        epochs[epoch] -= 1
        if not epochs[epoch]:
            del epochs[epoch]
        if not epochs:
            del self._epochs[pending.key]
        for request_id in pending.batch.request_ids:
            hit = self._requests.get((*place, request_id))
            if hit and hit[0] is pending:
                del self._requests[(*place, request_id)]
