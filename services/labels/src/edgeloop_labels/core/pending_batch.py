"""An observation batch that waits for labels."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from edgeloop_contracts import DeviceKey, ObservationBatch
from edgeloop_contracts.sqlite_pages import in_pages

# Bytes of a batch besides its features and texts, in the file and in memory; measured by the test of bounds.
FILE_BATCH = 60
FILE_ENTRY = 36  # of FILE_BATCH, without the index
FILE_REQUEST = 36
FILE_TIME = 6
MEMORY_BATCH = 650
MEMORY_REQUEST = 190
MEMORY_ITEM = 8  # a place in a tuple
MEMORY_TIME = 32


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch and its place.

    Attributes
    ----------
    offset, at, id
        Offset in ``observations``, record time in milliseconds, and ce_id.
    batch
        The rows.
    key
        Of the device.
    size
        Bytes in the file, including its share of the indexes. They count against the horizon and are the same on every machine.
    memory
        Bytes in memory.
    """

    offset: int
    at: int
    id: str
    batch: ObservationBatch
    key: DeviceKey = field(init=False)
    size: int = field(init=False)
    memory: int = field(init=False)

    def __post_init__(self) -> None:
        batch = self.batch
        key = DeviceKey.of(batch)
        groups = [texts for _, texts in batch.row_texts]
        requests = [len(text) for text in batch.request_ids if text]
        texts = sum(len(text) + 3 for group in groups for text in group)
        indexed = 2 * sum(requests) + len(requests) * (2 * len(key) + FILE_REQUEST)
        held = sum(sum(map(sys.getsizeof, group)) + MEMORY_ITEM * len(group) for group in groups)
        times = len(batch.event_times) * (MEMORY_TIME + MEMORY_ITEM)
        object.__setattr__(self, "key", key)
        written = FILE_TIME * len(batch.event_times)
        entry = in_pages(len(batch.features) + texts + written + len(key) + len(self.id) + FILE_ENTRY)
        object.__setattr__(self, "size", entry + indexed + len(key) + FILE_BATCH - FILE_ENTRY)
        object.__setattr__(
            self, "memory", len(batch.features) + held + times + len(requests) * MEMORY_REQUEST + 2 * len(key) + MEMORY_BATCH
        )

    @property
    def end_seq(self) -> int:
        """Sequence number after the last row."""
        return self.batch.first_seq + self.batch.count

    def holds(self, seq: int) -> bool:
        """Whether the row ``seq`` is in the batch."""
        return self.batch.first_seq <= seq < self.end_seq
