"""Single rows put together again: consecutive rows of a device make one batch."""

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
    """Runs of consecutive rows that may still grow, one a device.

    A finished run comes back as its batch and the cause of its last row.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def add(self, key: str, batch: ObservationBatch, cause: Cause) -> list[tuple[ObservationBatch, Cause]]:
        """Take in rows of the device ``key``; give back the run that they ended, if any."""
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
        """End the device's run, if there is one."""
        run = self._runs.pop(key, None)
        return [(ObservationBatch.concat(run.parts), run.cause)] if run else []

    def close_all(self) -> list[tuple[ObservationBatch, Cause]]:
        """End all runs, in the order in which they began."""
        return [ended for key in list(self._runs) for ended in self.close(key)]
