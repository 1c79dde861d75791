"""Devices of each tenant as the service `fleet` judges them: lost ones, and names that two processes use."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeloop_contracts import Device, DeviceHealth, Enrolment, Health, MemberKey

from edgeloop_monitoring.core.subjects import UNGROUPED, Subject


@dataclass(slots=True)
class GroupOfMembers:
    """The devices of one tenant and group that have been heard."""

    heard: int = 0
    lost: list[str] = field(default_factory=list[str])
    twins: list[str] = field(default_factory=list[str])


class Members:
    """A fold of the records of devices and of their health."""

    def __init__(self) -> None:
        self._devices: dict[MemberKey, Device] = {}
        self._healths: dict[MemberKey, DeviceHealth] = {}

    def changed(self, device: Device) -> None:
        """A device was enrolled, labelled, revoked or met."""
        self._devices[MemberKey.of(device)] = device

    def judged(self, health: DeviceHealth) -> None:
        """The health of a device was written; one that was never heard, or starts afresh, is in no group."""
        key = MemberKey.of(health)
        if health.health is Health.UNHEARD:
            self._healths.pop(key, None)
        else:
            self._healths[key] = health

    def groups(self) -> dict[Subject, GroupOfMembers]:
        """Devices by tenant and group; revoked and retired ones are not missed."""
        found: dict[Subject, GroupOfMembers] = {}
        for key, health in sorted(self._healths.items()):
            device = self._devices.get(key)
            if device is not None and device.enrolment in (Enrolment.REVOKED, Enrolment.RETIRED):
                continue
            name = (device.device_group if device is not None else "") or UNGROUPED
            group = found.setdefault(Subject(key.tenant, "", name), GroupOfMembers())
            group.heard += 1
            if health.health is Health.LOST:
                group.lost.append(key.device_id)
            if health.twins:
                group.twins.append(key.device_id)
        return found
