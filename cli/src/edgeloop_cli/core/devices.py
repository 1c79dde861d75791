"""State of each device: assigned version, running version, time of its last message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeloop_contracts import Assignment, DeviceReport, DeviceStatus
from edgeloop_replay.timed_event import Timed

NEVER = "has never reported"
SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of one stream.

    Attributes
    ----------
    key
        ``tenant/stream/device``.
    assigned
        Version that it was told to run; 0 for none.
    report
        Its newest report; ``None`` where it never reported.
    heard
        When its newest row or report came, milliseconds; 0 for never.
    states
        What is to be said of it; nothing where all is well.
    """

    key: str
    assigned: int
    report: DeviceReport | None
    heard: int
    states: tuple[str, ...]

    @property
    def silent(self) -> bool:
        """Whether nothing was heard of it for long, or ever."""
        return NEVER in self.states or SILENT in self.states


def devices(
    assigned: Mapping[str, Assignment], reports: Mapping[str, Timed], rows: Mapping[str, int], now: int, silence: int
) -> list[Device]:
    """Every device that was told something, or said something.

    Parameters
    ----------
    assigned, reports
        The newest of each device.
    rows
        When its newest row came, milliseconds; of devices without rows lately nothing.
    now, silence
        Milliseconds: a device is silent when neither row nor report came for so long.
    """
    found: list[Device] = []
    for key in sorted({*assigned, *reports, *rows}):
        wanted = assigned[key].version if key in assigned else 0
        report = reports[key].event if key in reports else None
        heard = max(rows.get(key, 0), reports[key].timestamp if key in reports else 0)
        states: list[str] = []
        if report is None and key not in rows:
            states.append(NEVER)
        elif now - heard > silence:
            states.append(SILENT)
        if report is not None and report.version != wanted and wanted:
            refused = report.status is DeviceStatus.REFUSED and report.refused_version == wanted
            states.append(f"refused version {wanted}: {report.reason}" if refused else f"was told to run version {wanted}")
        found.append(Device(key, wanted, report, heard, tuple(states)))
    return found
