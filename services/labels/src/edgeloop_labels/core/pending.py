"""An observation batch that labels may still come for."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeloop_contracts import ObservationBatch

OVERHEAD = 64


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch and where it lies.

    Attributes
    ----------
    offset, at, id
        Offset in ``observations``, record time in milliseconds, and ce_id.
    batch
        The rows.
    key
        ``tenant/stream/device``.
    size
        Bytes it counts for against the horizon.
    """

    offset: int
    at: int
    id: str
    batch: ObservationBatch
    key: str = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        batch = self.batch
        object.__setattr__(self, "key", f"{batch.tenant}/{batch.stream}/{batch.device_id}")
        texts = sum(map(len, batch.request_ids)) + sum(map(len, batch.answers)) + sum(map(len, batch.answers_alone))
        object.__setattr__(self, "size", len(batch.features) + texts + OVERHEAD)

    @property
    def end_seq(self) -> int:
        """Sequence number after the last row."""
        return self.batch.first_seq + self.batch.count

    def holds(self, seq: int) -> bool:
        """Whether the row ``seq`` is in the batch."""
        return self.batch.first_seq <= seq < self.end_seq

    def features_of(self, row: int) -> bytes:
        """Packed features of one row."""
        width = len(self.batch.features) // self.batch.count
        return self.batch.features[row * width : (row + 1) * width]
