"""Counts of right and wrong answers by device and version, for the rollout."""

from __future__ import annotations

from collections.abc import Iterable

from edgeloop_contracts import DriftPartial, ErrorWindow
from edgeloop_contracts.events import ErrorCount

from edgeloop_drift.core.bits import RIGHT, WRONG


class ErrorCounts:
    """Counts since the last window; one window a stream."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], dict[tuple[str, int], tuple[int, int]]] = {}

    def add(self, partials: Iterable[DriftPartial]) -> None:
        """Count the answers of error partials. Rows that no version answered say nothing about one."""
        for partial in partials:
            right, wrong = partial.errors.count(RIGHT), partial.errors.count(WRONG)
            if right + wrong:
                counts = self._counts.setdefault((partial.tenant, partial.stream), {})
                rows, errors = counts.get((partial.device_id, partial.model_version), (0, 0))
                counts[partial.device_id, partial.model_version] = (rows + right + wrong, errors + wrong)

    def drain(self) -> list[ErrorWindow]:
        """The windows of what was counted, each answer in one of them."""
        windows = [
            ErrorWindow(tenant=tenant, stream=stream, counts=tuple(_count(*key, *count) for key, count in sorted(counts.items())))
            for (tenant, stream), counts in self._counts.items()
        ]
        self._counts.clear()
        return windows


def _count(device_id: str, version: int, rows: int, errors: int) -> ErrorCount:
    return ErrorCount(device_id=device_id, model_version=version, rows=rows, errors=errors)
