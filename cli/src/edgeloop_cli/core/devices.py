"""State of each device: assigned version, running version, time of its last message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeloop_contracts import Assignment, DeviceKey, DeviceReport, DeviceStatus, MemberKey
from edgeloop_replay.timed_event import Timed

from edgeloop_cli.core.members import Known

NEVER = "has never reported"
SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of one stream.

    Attributes
    ----------
    key
        ``tenant/stream/device``; the stream is empty for a device without one.
    assigned
        Version that it was told to run; 0 for none.
    report
        Its newest report; ``None`` where it never reported.
    heard
        When its newest row, report or heartbeat came, milliseconds; 0 for never.
    states
        What is to be said of it; nothing where all is well.
    known
        The device as the service `fleet` knows it; ``None`` where it does not.
    """

    key: str
    assigned: int
    report: DeviceReport | None
    heard: int
    states: tuple[str, ...]
    known: Known | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing was heard of it for long, or ever."""
        return NEVER in self.states or SILENT in self.states


def devices(
    assigned: Mapping[str, Assignment],
    reports: Mapping[str, Timed],
    rows: Mapping[str, int],
    now: int,
    silence: int,
    members: Mapping[str, Known] | None = None,
) -> list[Device]:
    """Every device that was told something, or said something; one without a stream once, the others once a stream.

    Parameters
    ----------
    assigned, reports
        The newest of each device.
    rows
        When its newest row came, milliseconds; of devices without rows lately nothing.
    now, silence
        Milliseconds: a device is silent when neither row, report nor heartbeat came for so long.
    members
        Devices as the service `fleet` knows them, by ``tenant/device``.
    """
    found: list[Device] = []
    keys, members = {*assigned, *reports, *rows}, members or {}
    served = {_member(key) for key in keys}
    alone = {DeviceKey(one.member.tenant, "", one.member.device_id) for key, one in members.items() if key not in served}
    for key in sorted(keys | alone):
        known = members.get(_member(key))
        beat = known.health.heard if known is not None and known.health is not None else 0
        wanted = assigned[key].version if key in assigned else 0
        report = reports[key].event if key in reports else None
        heard = max(rows.get(key, 0), reports[key].timestamp if key in reports else 0, beat)
        states: list[str] = list(known.states) if known is not None else []
        if not heard:
            states.append(NEVER)
        elif now - heard > silence:
            states.append(SILENT)
        if report is not None and report.version != wanted and wanted:
            refused = report.status is DeviceStatus.REFUSED and report.refused_version == wanted
            states.append(f"refused version {wanted}: {report.reason}" if refused else f"was told to run version {wanted}")
        found.append(Device(key, wanted, report, heard, tuple(states), known))
    return found


def _member(key: str) -> MemberKey:
    """The device of a key of one of its streams, whatever the key is."""
    names = key.split("/")
    return MemberKey(names[0], names[-1])
