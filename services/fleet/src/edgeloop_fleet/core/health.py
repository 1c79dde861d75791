"""Health of devices by the time since their newest heartbeat."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from edgeloop_contracts import DeviceHealth, FleetPolicy, Health, MemberKey, MemberProcesses, Vitals
from edgeloop_contracts.topic import MINUTE

from edgeloop_fleet.core.processes import twins

WRITTEN_MS = MINUTE
"""Shortest time between two records of a device whose health does not change."""


def health_at(heard: int, now: int, policy: FleetPolicy) -> Health:
    """Health of a device that was last heard at ``heard``.

    >>> policy = FleetPolicy(tenant="default", late_s=30, lost_s=600)
    >>> [health_at(1_000, 1_000 + s * 1000, policy).value for s in (30, 31, 600, 601)]
    ['ONLINE', 'LATE', 'LATE', 'LOST']
    """
    silent = (now - heard) / 1000
    return Health.LOST if silent > policy.lost_s else Health.LATE if silent > policy.late_s else Health.ONLINE


def after_heartbeat(key: MemberKey, before: DeviceHealth | None, processes: MemberProcesses, vitals: Vitals) -> DeviceHealth | None:
    """The record after a heartbeat; ``None`` where the one before still tells enough."""
    now, names = processes.heard, twins(processes)
    if before is None:
        before = DeviceHealth(tenant=key.tenant, device_id=key.device_id)
    same = before.health is Health.ONLINE and before.twins == names and _told(before.vitals) == _told(vitals)
    if same and now - before.published < WRITTEN_MS:
        return None
    since = before.since if before.health is Health.ONLINE else now
    return replace(before, health=Health.ONLINE, since=since, heard=now, vitals=vitals, twins=names, published=now)


def unheard(key: MemberKey, now: int) -> DeviceHealth:
    """The record of a device whose heartbeats so far do not count any more."""
    return DeviceHealth(tenant=key.tenant, device_id=key.device_id, since=now, published=now)


def after_silence(before: DeviceHealth, heard: int, health: Health, now: int) -> DeviceHealth:
    """The record of a device that has become late or lost."""
    return replace(before, health=health, since=now, heard=heard, published=now)


def _told(vitals: Vitals | None) -> object:
    """The part of the vitals whose change is told at once: what the device runs."""
    if vitals is None:
        return None
    return vitals.instance, vitals.config_version, vitals.config_refused, tuple((one.stream, one.version) for one in vitals.streams)


@dataclass(slots=True)
class Watch:
    """Devices of one tenant by health, those heard longest ago first.

    Record times rise in the topic, so a device that is heard moves to the end; a tick looks at the first ones alone.
    """

    by_health: dict[Health, OrderedDict[MemberKey, int]] = field(
        default_factory=lambda: {health: OrderedDict() for health in (Health.ONLINE, Health.LATE, Health.LOST)}
    )

    def put(self, key: MemberKey, health: Health, heard: int) -> None:
        """Note a device as the one that was heard last."""
        self.drop(key, but=health)
        devices = self.by_health[health]
        devices[key] = heard
        devices.move_to_end(key)

    def drop(self, key: MemberKey, but: Health | None = None) -> None:
        """Forget a device."""
        for health, devices in self.by_health.items():
            if health is not but:
                devices.pop(key, None)

    def overdue(self, now: int, policy: FleetPolicy) -> Iterator[tuple[MemberKey, int, Health]]:
        """Devices whose health has become worse, each with the time it was last heard and its health now."""
        for health in (Health.ONLINE, Health.LATE):
            for key, heard in list(_silent(self.by_health[health], now, policy, health)):
                worse = health_at(heard, now, policy)
                self.put(key, worse, heard)
                yield key, heard, worse


def _silent(devices: OrderedDict[MemberKey, int], now: int, policy: FleetPolicy, health: Health) -> Iterator[tuple[MemberKey, int]]:
    for key, heard in devices.items():
        worse = health_at(heard, now, policy)
        if worse is health or worse is Health.ONLINE:
            return
        yield key, heard
