"""Merge of single rows: consecutive rows of a device become one batch."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeloop_contracts import Cause, ObservationBatch

from edgeloop_ingestion.core.batches import MAX_BYTES

MAX_ROWS = 1000


@dataclass(slots=True)
class _Run:
    parts: list[ObservationBatch] = field(default_factory=list[ObservationBatch])
    rows: int = 0
    size: int = 0
    cause: Cause = field(default_factory=Cause)

    def continued_by(self, batch: ObservationBatch, size: int) -> bool:
        return batch.follows(self.parts[-1]) and self.rows + batch.count <= MAX_ROWS and self.size + size <= MAX_BYTES


class OpenRuns:
    """Open runs of consecutive rows, one per device.

    A closed run is given back as its batch and the cause of its last row.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def add(self, key: str, batch: ObservationBatch, cause: Cause) -> list[tuple[ObservationBatch, Cause]]:
        """Add rows of the device ``key``; give back the run that they close, if any."""
        size = batch.row_bytes * batch.count
        run = self._runs.get(key)
        ended = self.close(key) if run and not run.continued_by(batch, size) else []
        run = self._runs.setdefault(key, _Run())
        run.parts.append(batch)
        run.rows += batch.count
        run.size += size
        run.cause = cause
        return ended

    def close(self, key: str) -> list[tuple[ObservationBatch, Cause]]:
        """Close the device's run, if there is one."""
        run = self._runs.pop(key, None)
        return [(ObservationBatch.concat(run.parts), run.cause)] if run else []

    def close_all(self) -> list[tuple[ObservationBatch, Cause]]:
        """Close all runs, in the order in which they began."""
        return [ended for key in list(self._runs) for ended in self.close(key)]
