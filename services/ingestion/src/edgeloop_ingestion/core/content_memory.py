"""Digests of accepted rows: all of the newest, and a sample of older ones."""

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
    """Digests of the rows with sequence numbers from ``number * ROWS`` on; 0 for a row that has not arrived."""

    number: int
    digests: Digests = field(default_factory=lambda: np.zeros(ROWS, np.uint32))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of comparing repeated rows with the remembered digests.

    Attributes
    ----------
    differs
        bool [n]: repeated with other contents. A row without a remembered digest counts like the last compared row before it.
    uncompared
        Number of rows that count as equal only for that reason.
    last
        Result for the newest row: the next value of ``Contents.differs``.
    """

    differs: NDArray[np.bool_]
    uncompared: int
    last: bool


class Contents:
    """Digests of the rows of one device and epoch.

    The newest ``SLOTS`` blocks of ``ROWS`` numbers are remembered whole. Of older rows, those with a multiple of the stride as number are
    sampled. The stride doubles when there are more than ``MAX_SAMPLES`` samples.

    Attributes
    ----------
    blocks
        Blocks by slot, which is the block's number modulo ``SLOTS``.
    samples, stride
        Digests by sequence number.
    differs
        True if the newest repeated row that could be compared had other contents.
    newest
        Number of the newest block; -1 before the first.
    changed
        Changed slots. The writer clears it, and likewise ``resampled``.
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
        """Remember accepted rows from the number ``first`` on."""
        end = first + len(digests)
        last = (end - 1) // ROWS
        for number in range(max(first // ROWS, last - self.slots + 1), last + 1):
            block = self._block(number)
            if block is None:
                continue  # older than the remembered blocks
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
        """Postpone the digests of the rows ``[low, high)`` of a batch, from the number ``first`` on, until :func:`settle`."""
        self._later.append((first, batch, low, high))

    def waiting(self) -> list[tuple[int, ObservationBatch, int, int]]:
        """The postponed rows; the list is empty afterwards."""
        later, self._later = self._later, []
        return later

    def _block(self, number: int) -> Block | None:
        """The block of that number for a change; it replaces an older one in its slot."""
        slot = number % self.slots
        block = self.blocks.get(slot)
        if block is None or block.number < number:
            block = self.blocks[slot] = Block(number)
        elif block.number > number:
            return None
        if number > self.newest:
            if self.newest >= 0:  # saved as the newest so far, and separately from now on
                self.changed[self.newest % self.slots] = None
            self.newest = number
        self.changed[slot] = None
        return block

    def of(self, first: int, end: int) -> Digests:
        """Digests of ``[first, end)``; 0 for a row without one."""
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
        """Compare the ``known`` rows, from the number ``first`` on, with the remembered digests. The split into batches does not change
        the result.
        """
        held = self.of(first, first + len(digests))
        compared = known & (held != 0)
        other = held != digests
        # Last compared row at or before each row; -1 if there is none in this batch.
        last = np.maximum.accumulate(np.where(compared, np.arange(len(digests)), -1))
        counts = np.where(last >= 0, other[last], self.differs)
        return Comparison(
            known & counts,
            int((known & ~compared & ~counts).sum()),
            bool(counts[-1]),
        )


def settle(many: Iterable[Contents]) -> None:
    """Compute the postponed digests of many devices at once, which is much faster than one by one."""
    waiting = [(contents, one) for contents in many for one in contents.waiting()]
    if waiting:
        digests = batch_digests([batch for _, (_, batch, _, _) in waiting])
        for (contents, (first, _, low, high)), own in zip(waiting, digests, strict=True):
            contents.add(first, own[low:high])
