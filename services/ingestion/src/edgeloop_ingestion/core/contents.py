"""What rows held that have been taken in, as digests: all of the newest, and some of the older ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeloop_ingestion.core.digests import Digests

ROWS = 64
SLOTS = 16
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
    changed
        Slots that were changed; whoever writes them down clears it. ``resampled`` likewise.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self.blocks: dict[int, Block] = {}
        self.samples: dict[int, int] = {}
        self.stride = ROWS
        self.differs = False
        self.changed: dict[int, None] = {}
        self.resampled = False

    def add(self, first: int, digests: Digests) -> None:
        """Remember rows that were taken in, from the number ``first`` on."""
        end = first + len(digests)
        newest = (end - 1) // ROWS
        for number in range(max(first // ROWS, newest - self.slots + 1), newest + 1):
            slot, begins = number % self.slots, number * ROWS
            block = self.blocks.get(slot)
            if block is None or block.number < number:
                block = self.blocks[slot] = Block(number)
            elif block.number > number:
                continue  # older than what is remembered
            low, high = max(first, begins), min(end, begins + ROWS)
            block.digests[low - begins : high - begins] = digests[low - first : high - first]
            self.changed[slot] = None
        for seq in range(-(-first // self.stride) * self.stride, end, self.stride):
            self.samples[seq] = int(digests[seq - first])
            self.resampled = True
        while len(self.samples) > MAX_SAMPLES:
            self.stride *= 2
            self.samples = {seq: digest for seq, digest in self.samples.items() if seq % self.stride == 0}

    def of(self, first: int, end: int) -> Digests:
        """Digests of ``[first, end)``; 0 where none is remembered."""
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
