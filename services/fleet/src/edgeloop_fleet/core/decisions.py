"""Outcomes of commands and of requests for enrolment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from edgeloop_contracts import (
    ChangeDevice,
    ConfigScope,
    Device,
    DeviceAction,
    EnrolDevice,
    EnrolmentMode,
    EnrolmentRequest,
    FleetConfig,
    FleetPolicy,
    FleetToken,
    IssueToken,
    MemberKey,
    SetAdmission,
    SetConfig,
)

from edgeloop_fleet.core import members, settings_of_devices, tokens
from edgeloop_fleet.core.members import Owners
from edgeloop_fleet.core.names import check_name

Command = EnrolDevice | IssueToken | ChangeDevice | SetConfig | SetAdmission


class Known(Protocol):
    """What is known of a fleet when a decision is made."""

    @property
    def owners(self) -> Owners:
        """Device of each key."""
        ...

    def device(self, key: MemberKey) -> Device | None:
        """A device."""
        ...

    def token(self, tenant: str, token_id: str) -> FleetToken | None:
        """A token."""
        ...

    def configs(self, tenant: str) -> Iterable[FleetConfig]:
        """All configurations of a tenant."""
        ...

    def policy(self, tenant: str) -> FleetPolicy:
        """Policy of a tenant."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The changes of a command or request.

    Attributes
    ----------
    message
        For people.
    device, token, config, policy
        Records that take the place of those before; ``None`` where nothing changes.
    forgotten
        The device that is removed.
    afresh
        The device whose heartbeats so far do not count any more.
    """

    message: str
    device: Device | None = None
    token: FleetToken | None = None
    config: FleetConfig | None = None
    policy: FleetPolicy | None = None
    forgotten: MemberKey | None = None
    afresh: MemberKey | None = None


def decide(command: Command, known: Known, now: int) -> Outcome:
    """Outcome of a command.

    Raises
    ------
    NotCarriedOutError
        It is not carried out.
    """
    check_name("tenant", command.tenant)
    match command:
        case EnrolDevice():
            return _enrol(command, known, now)
        case IssueToken():
            token = tokens.issued(command, known.token(command.tenant, command.token_id), now)
            return Outcome(f"token {token.token_id} lets {token.uses} devices enrol", token=token)
        case ChangeDevice():
            return _change(command, known, now)
        case SetConfig():
            device = known.device(MemberKey(command.tenant, command.name)) if command.scope is ConfigScope.DEVICE else None
            policy = known.policy(command.tenant)
            config = settings_of_devices.configured(command, known.configs(command.tenant), device, policy)
            return Outcome(f"configuration {config.version} is {'withdrawn' if config.withdrawn else 'set'}", config=config)
        case SetAdmission():
            policy = settings_of_devices.governed(command, known.configs(command.tenant))
            return Outcome(f"{policy.tenant} admits {_whom(policy)}", policy=policy)


def request(asked: EnrolmentRequest, known: Known, now: int) -> Outcome:
    """Outcome of a device's request.

    A repeat by a device that is enrolled with this key is answered with its record again, and uses up nothing.

    Raises
    ------
    NotCarriedOutError
        It is not carried out.
    """
    check_name("tenant", asked.tenant)
    check_name("device_id", asked.device_id)
    key = MemberKey.of(asked)
    token = tokens.proven(asked, known.token(asked.tenant, asked.token_id))
    before = known.device(key)
    if members.holds(before, asked.public_key):
        return Outcome(f"{key} is enrolled", device=before)
    spent = tokens.spent(token, now)
    device = members.admitted(key, asked.public_key, token, before, known.owners, now)
    return Outcome(f"{key} is enrolled", device=device, token=spent, afresh=key)


def _enrol(command: EnrolDevice, known: Known, now: int) -> Outcome:
    check_name("device_id", command.device_id)
    key = MemberKey.of(command)
    device = members.enrolled(command, known.device(key), known.owners, now)
    done = {EnrolmentMode.NEW: "is enrolled", EnrolmentMode.ROTATE: "has a new key", EnrolmentMode.REPLACE: "is replaced"}[command.mode]
    afresh = None if command.mode is EnrolmentMode.ROTATE else key
    return Outcome(f"{key} {done}", device=device, afresh=afresh)


def _change(command: ChangeDevice, known: Known, now: int) -> Outcome:
    check_name("device_id", command.device_id)
    key = MemberKey.of(command)
    device = members.changed(command, known.device(key), now)
    if device is None:
        return Outcome(f"{key} is forgotten", forgotten=key, afresh=key)
    said = {
        DeviceAction.LABEL: "has its group and labels",
        DeviceAction.REVOKE: "is revoked",
        DeviceAction.RETIRE: "is retired",
        DeviceAction.READMIT: "is readmitted and needs a new key",
        DeviceAction.FORGET: "is forgotten",
    }[command.action]
    return Outcome(f"{key} {said}", device=device, afresh=None if command.action is DeviceAction.LABEL else key)


def _whom(policy: FleetPolicy) -> str:
    return {"OPEN": "every device", "ENROLLED": "enrolled devices alone"}[policy.admission.value]
