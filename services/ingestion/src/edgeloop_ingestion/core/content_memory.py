"""Digests of rows that have been taken in: all of the newest, and a sample of older ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from edgeloop_contracts import ObservationBatch
from numpy.typing import NDArray

from edgeloop_ingestion.core.digests import Digests, batch_digests

ROWS = 128
SLOTS = 4
STRIDE = 256
MAX_SAMPLES = 128


@dataclass(slots=True)
class Block:
    """Digests of the rows with sequence numbers from ``number * ROWS`` on; 0 for one that has not come."""

    number: int
    digests: Digests = field(default_factory=lambda: np.zeros(ROWS, np.uint32))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows under known numbers, against what is remembered.

    Attributes
    ----------
    differs
        bool [n]: known, with other contents. A row whose contents are no longer remembered counts as the row before it that could be compared.
    uncompared
        How many count as the same only for that reason.
    last
        How the newest row that counts turned out: ``Contents.differs`` from then on.
    """

    differs: NDArray[np.bool_]
    uncompared: int
    last: bool


class Contents:
    """Digests of the rows of one device and epoch.

    The newest ``SLOTS`` blocks of ``ROWS`` numbers are remembered whole. Beyond these there are at most ``MAX_SAMPLES`` rows, spread over all
    numbers that were taken in: those whose number is a multiple of the stride, which doubles when they become too many.

    Attributes
    ----------
    blocks
        By slot, the number of the block modulo ``SLOTS``.
    samples, stride
        Digests by sequence number.
    differs
        Whether the newest row that came again, and could be compared, had other contents.
    newest
        Number of the newest block; -1 before the first.
    changed
        Slots that were changed; whoever writes them down clears it. ``resampled`` likewise.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self.blocks: dict[int, Block] = {}
        self.samples: dict[int, int] = {}
        self.stride = STRIDE
        self.differs = False
        self.newest = -1
        self._later: list[tuple[int, ObservationBatch, int, int]] = []
        self.changed: dict[int, None] = {}
        self.resampled = False

    def add(self, first: int, digests: Digests) -> None:
        """Remember rows that were taken in, from the number ``first`` on."""
        end = first + len(digests)
        last = (end - 1) // ROWS
        for number in range(max(first // ROWS, last - self.slots + 1), last + 1):
            block = self._block(number)
            if block is None:
                continue  # older than what is remembered
            begins = number * ROWS
            low, high = max(first, begins), min(end, begins + ROWS)
            block.digests[low - begins : high - begins] = digests[low - first : high - first]
        for seq in range(-(-first // self.stride) * self.stride, end, self.stride):
            self.samples[seq] = int(digests[seq - first])
            self.resampled = True
        while len(self.samples) > MAX_SAMPLES:
            self.stride *= 2
            self.samples = {seq: digest for seq, digest in self.samples.items() if seq % self.stride == 0}

    def add_later(self, first: int, batch: ObservationBatch, low: int, high: int) -> None:
        """Remember the rows ``[low, high)`` of a batch, from the number ``first`` on, once anybody asks: see :func:`settle`."""
        self._later.append((first, batch, low, high))

    def waiting(self) -> list[tuple[int, ObservationBatch, int, int]]:
        """What was to be remembered later, once."""
        later, self._later = self._later, []
        return later

    def _block(self, number: int) -> Block | None:
        """The block of that number, to be changed, in the place of an older one."""
        slot = number % self.slots
        block = self.blocks.get(slot)
        if block is None or block.number < number:
            block = self.blocks[slot] = Block(number)
        elif block.number > number:
            return None
        if number > self.newest:
            if self.newest >= 0:  # written down as the newest, and from now on by itself
                self.changed[self.newest % self.slots] = None
            self.newest = number
        self.changed[slot] = None
        return block

    def of(self, first: int, end: int) -> Digests:
        """Digests of ``[first, end)``; 0 where none is remembered."""
        settle([self])
        found = np.zeros(end - first, np.uint32)
        for seq, digest in self.samples.items():
            if first <= seq < end:
                found[seq - first] = digest
        for block in self.blocks.values():
            begins = block.number * ROWS
            low, high = max(first, begins), min(end, begins + ROWS)
            if low < high:
                held = block.digests[low - begins : high - begins]
                np.copyto(found[low - first : high - first], held, where=held != 0)
        return found

    def compare(self, first: int, digests: Digests, known: NDArray[np.bool_]) -> Comparison:
        """Compare rows from the number ``first`` on, as far as they are ``known``, with what is remembered; one after another, however they were cut."""
        held = self.of(first, first + len(digests))
        compared = known & (held != 0)
        other = held != digests
        # The last row at or before each one that could be compared; -1: none in this batch.
        last = np.maximum.accumulate(np.where(compared, np.arange(len(digests)), -1))
        counts = np.where(last >= 0, other[last], self.differs)
        return Comparison(
            known & counts,
            int((known & ~compared & ~counts).sum()),
            bool(counts[-1]),
        )


def settle(many: Iterable[Contents]) -> None:
    """Remember what was to be remembered later; for many devices at once, as that takes a fraction of the time."""
    waiting = [(contents, one) for contents in many for one in contents.waiting()]
    if waiting:
        digests = batch_digests([batch for _, (_, batch, _, _) in waiting])
        for (contents, (first, _, low, high)), own in zip(waiting, digests, strict=True):
            contents.add(first, own[low:high])
