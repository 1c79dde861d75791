"""The known devices: when each was last seen, and the version that it reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edgeloop_contracts import DeviceReport, DeviceStatus
from edgeloop_contracts.plausibility import impossible_report, is_name
from edgeloop_contracts.texts import cut

from edgeloop_monitoring.core.subjects import Groups, Subject

MOST_NAMED = 20
SHOWN = 60


@dataclass(slots=True)
class GroupOfDevices:
    """The devices of one stream and group."""

    seen: int = 0
    silent: list[str] = field(default_factory=list[str])
    refusing: list[str] = field(default_factory=list[str])
    refusing_adapters: list[str] = field(default_factory=list[str])
    impossible: list[str] = field(default_factory=list[str])
    reporting: int = 0


class Fleet:
    """A fold of observations and device reports.

    Parameters
    ----------
    groups
        How devices are sorted.
    silent_ms
        A device is silent once others have been heard for this long since its last observation. Whoever never reported what it
        runs (a program that sends rows by itself, once) is not waited for.
    forget_ms
        A device that was silent for this long is forgotten.
    """

    def __init__(self, groups: Groups, silent_ms: int, forget_ms: int) -> None:
        self._groups = groups
        self._silent_ms = silent_ms
        self._forget_ms = forget_ms
        self._newest = 0
        self._seen: dict[tuple[str, str, str], int] = {}
        self._reports: dict[tuple[str, str, str], DeviceReport] = {}
        self._refusing: set[tuple[str, str, str]] = set()
        self._impossible: set[tuple[str, str, str]] = set()

    def observed(self, tenant: str, stream: str, device_id: str, at: int) -> None:
        """A device sent rows at a record time."""
        key = (tenant, stream, device_id)
        self._newest = max(self._newest, at)
        self._seen[key] = max(self._seen.get(key, 0), at)

    def reported(self, report: DeviceReport) -> None:
        """A device told what it runs. Of a version that it refused, reports about adapters say nothing new.

        What no device can have said changes nothing of what is known of it, and is told until it says something else.
        """
        key = (report.tenant, report.stream, report.device_id)
        if impossible_report(report):
            self._impossible.add(key if all(map(is_name, key)) else ("", "", cut(report.device_id, SHOWN)))
            return
        self._impossible.discard(key)
        before = self._reports.get(key)
        self._reports[key] = report
        if report.refused_adapter or (before and report.version == before.version and report.adapter != before.adapter):
            return
        if report.status is DeviceStatus.REFUSED:
            self._refusing.add(key)
        else:
            self._refusing.discard(key)

    def groups(self, champions: Mapping[Subject, int]) -> dict[Subject, GroupOfDevices]:
        """Devices by stream and group, as of the newest observation: silence of all is nobody's.

        Parameters
        ----------
        champions
            Newest version of each stream; no device serves a newer one.
        """
        now = self._newest
        for key in [key for key, at in self._seen.items() if now - at > self._forget_ms]:
            del self._seen[key]
        found: dict[Subject, GroupOfDevices] = {}
        for (tenant, stream, device), at in sorted(self._seen.items()):
            group = found.setdefault(Subject(tenant, stream, self._groups.of(device)), GroupOfDevices())
            group.seen += 1
            if now - at >= self._silent_ms and (tenant, stream, device) in self._reports:
                group.silent.append(device)
        for (tenant, stream, device), report in sorted(self._reports.items()):
            group = found.setdefault(Subject(tenant, stream, self._groups.of(device)), GroupOfDevices())
            group.reporting += 1
            if (tenant, stream, device) in self._refusing:
                group.refusing.append(device)
            if report.refused_adapter:
                group.refusing_adapters.append(device)
            if (report.version or 0) > champions.get(Subject(tenant, stream), 0) and (tenant, stream, device) not in self._impossible:
                group.impossible.append(device)
        for tenant, stream, device in sorted(self._impossible):
            found.setdefault(Subject(tenant, stream, self._groups.of(device)), GroupOfDevices()).impossible.append(device)
        return found

    def versions(self) -> Iterator[tuple[Subject, str, int]]:
        """Each device that reported: its stream and group, its name, the version that serves."""
        for (tenant, stream, device), report in sorted(self._reports.items()):
            yield Subject(tenant, stream, self._groups.of(device)), device, report.version or 0

    def adapters(self) -> Iterator[tuple[Subject, str, int]]:
        """Each device that is heard and takes adapters: its stream and group, its name, the adapter that serves; 0 for none."""
        for key, report in sorted(self._reports.items()):
            if report.takes_adapters and key in self._seen and self._newest - self._seen[key] < self._silent_ms:
                yield Subject(report.tenant, report.stream, self._groups.of(report.device_id)), report.device_id, report.adapter or 0
