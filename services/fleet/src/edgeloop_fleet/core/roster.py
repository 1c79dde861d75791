"""The fleet as the state holds it, with the indices that decisions need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeVar

from edgeloop_contracts import (
    Device,
    DeviceHealth,
    Enrolment,
    Event,
    FleetConfig,
    FleetPolicy,
    FleetToken,
    MemberKey,
    MemberProcesses,
    SeenCommand,
)
from edgeloop_contracts.keys import config_key, owned_key
from edgeloop_contracts.topic import DAY
from edgeloop_signing.record_judgement import KeyOfMember

from edgeloop_fleet.core.decisions import Outcome
from edgeloop_fleet.core.health import Watch
from edgeloop_fleet.core.tokens import forgettable

E = TypeVar("E", bound=Event)

REMEMBERED_MS = 30 * DAY
"""Time for which the id of a command is remembered."""


class Records(Protocol):
    """What is needed of :class:`edgeloop_streaming.State`."""

    def get(self, kind: type[E], key: str) -> E | None:
        """Record under a key."""
        ...

    def items(self, kind: type[E]) -> Iterator[tuple[str, E]]:
        """All records of a kind."""
        ...

    def put(self, key: str, event: Event) -> None:
        """Set a record."""
        ...

    def delete(self, kind: type[Event], key: str) -> None:
        """Remove a record."""
        ...


class Roster:
    """Devices, tokens, configurations and policies of all tenants.

    Invariant: the indices are a fold of the records; :meth:`__init__` makes them anew.

    Parameters
    ----------
    records
        State of the partition.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._owners: dict[str, MemberKey] = {}
        self._configs: dict[str, dict[str, FleetConfig]] = {}
        self.watches: dict[str, Watch] = {}
        for key, device in records.items(Device):
            self._own(MemberKey.parse(key), device)
        for _, config in records.items(FleetConfig):
            self._configs.setdefault(config.tenant, {})[config_key(config)] = config
        heard = [(known.heard, key) for key, known in records.items(MemberProcesses)]
        for at, key in sorted(heard):
            health = records.get(DeviceHealth, key)
            if health is not None:
                self.watch(MemberKey.parse(key)).put(MemberKey.parse(key), health.health, at)

    @property
    def owners(self) -> Mapping[str, MemberKey]:
        """Device of each key."""
        return self._owners

    def device(self, key: MemberKey) -> Device | None:
        """A device."""
        return self._records.get(Device, key)

    def standing_of(self, key: MemberKey) -> Enrolment | None:
        """Standing of a device; ``None`` if it is not known."""
        device = self.device(key)
        return device.enrolment if device is not None else None

    def keys_of(self, tenant: str, name: str) -> list[KeyOfMember]:
        """The key of this name, with its device; none if nobody has it."""
        owner = self._owners.get(owned_key(tenant, name))
        device = self.device(owner) if owner is not None else None
        return [KeyOfMember(device, key) for key in device.keys if key.key_id == name] if device is not None else []

    def health(self, key: MemberKey) -> DeviceHealth | None:
        """The newest record of a device's health."""
        return self._records.get(DeviceHealth, key)

    def processes(self, key: MemberKey) -> MemberProcesses:
        """Processes that spoke in a device's name."""
        return self._records.get(MemberProcesses, key) or MemberProcesses()

    def token(self, tenant: str, token_id: str) -> FleetToken | None:
        """A token."""
        return self._records.get(FleetToken, owned_key(tenant, token_id))

    def configs(self, tenant: str) -> list[FleetConfig]:
        """All configurations of a tenant."""
        return list(self._configs.get(tenant, {}).values())

    def policy(self, tenant: str) -> FleetPolicy:
        """Policy of a tenant."""
        return self._records.get(FleetPolicy, tenant) or FleetPolicy(tenant=tenant)

    def watch(self, key: MemberKey) -> Watch:
        """The watch of a device's tenant."""
        return self.watches.setdefault(key.tenant, Watch())

    def decided(self, tenant: str, command_id: str) -> bool:
        """Whether a command of this id was decided before."""
        return self._records.get(SeenCommand, owned_key(tenant, command_id)) is not None

    def note(self, tenant: str, command_id: str, now: int) -> None:
        """Remember the id of a command that is decided."""
        self._records.put(owned_key(tenant, command_id), SeenCommand(at=now))

    def take(self, outcome: Outcome) -> None:
        """Take over what a command or request changes."""
        if outcome.device is not None:
            self.put_device(outcome.device)
        if outcome.token is not None:
            self._records.put(owned_key(outcome.token.tenant, outcome.token.token_id), outcome.token)
        if outcome.config is not None:
            key = config_key(outcome.config)
            self._records.put(key, outcome.config)
            self._configs.setdefault(outcome.config.tenant, {})[key] = outcome.config
        if outcome.policy is not None:
            self._records.put(outcome.policy.tenant, outcome.policy)
        if outcome.afresh is not None:
            self._records.delete(MemberProcesses, outcome.afresh)
            self._records.delete(DeviceHealth, outcome.afresh)
            self.watch(outcome.afresh).drop(outcome.afresh)
        if outcome.forgotten is not None:
            self._disown(outcome.forgotten)
            self._records.delete(Device, outcome.forgotten)

    def put_device(self, device: Device) -> None:
        """Set a device's record."""
        key = MemberKey.of(device)
        self._disown(key)
        self._records.put(key, device)
        self._own(key, device)

    def put_processes(self, key: MemberKey, processes: MemberProcesses) -> None:
        """Set the processes of a device."""
        self._records.put(key, processes)

    def put_health(self, health: DeviceHealth) -> None:
        """Set the health of a device."""
        self._records.put(MemberKey.of(health), health)

    def expire(self, now: int) -> None:
        """Forget ids of commands and ended tokens that are old enough."""
        for key, seen in list(self._records.items(SeenCommand)):
            if now - seen.at > REMEMBERED_MS:
                self._records.delete(SeenCommand, key)
        for key, token in list(self._records.items(FleetToken)):
            if forgettable(token, now):
                self._records.delete(FleetToken, key)

    def _own(self, key: MemberKey, device: Device) -> None:
        for known in device.keys:
            self._owners[owned_key(key.tenant, known.key_id)] = key

    def _disown(self, key: MemberKey) -> None:
        before = self.device(key)
        for known in before.keys if before is not None else ():
            self._owners.pop(owned_key(key.tenant, known.key_id), None)
