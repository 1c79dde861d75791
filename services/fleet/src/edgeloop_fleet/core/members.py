"""Standing of a device: known, enrolled, revoked, retired; its keys and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeloop_contracts import ChangeDevice, Device, DeviceAction, EnrolDevice, Enrolment, EnrolmentMode, FleetToken, KnownKey, MemberKey
from edgeloop_contracts.keys import owned_key
from edgeloop_contracts.topic import DAY
from edgeloop_signing.keys import public_key_id

from edgeloop_fleet.core.names import check_key, check_labels, check_name, merged
from edgeloop_fleet.core.refusals import NotCarriedOutError, Reason

MOST_KEYS = 8
ROTATION_MS = DAY
"""Time for which the old key counts after a rotation, so that a device may change over."""
_ENDED = {Enrolment.REVOKED: Reason.REVOKED, Enrolment.RETIRED: Reason.RETIRED}

Owners = Mapping[str, MemberKey]
"""Device of each key that is known, by tenant and key id."""


def met(key: MemberKey, now: int) -> Device:
    """A device of an open tenant that is heard for the first time."""
    return Device(tenant=key.tenant, device_id=key.device_id, published=now)


def enrolled(command: EnrolDevice, known: Device | None, owners: Owners, now: int) -> Device:
    """The device after a command enrols it.

    Raises
    ------
    NotCarriedOutError
        The key cannot be taken, or the device's standing does not go with the mode.
    """
    check_key(command.public_key)
    check_name("device_group", command.device_group, empty=True)
    check_labels(command.labels)
    key = MemberKey.of(command)
    if known is not None and known.enrolment in _ENDED:
        raise NotCarriedOutError(_ENDED[known.enrolment], f"{key} is {known.enrolment.value}: readmit it first, it then needs a new key")
    is_enrolled = known is not None and known.enrolment is Enrolment.ENROLLED
    if command.mode is EnrolmentMode.NEW and is_enrolled:
        raise NotCarriedOutError(Reason.ENROLLED_ALREADY, f"{key} is enrolled already: rotate its key, or replace the device")
    if command.mode is not EnrolmentMode.NEW and not is_enrolled:
        raise NotCarriedOutError(Reason.NOT_ENROLLED, f"{key} is not enrolled: there is no key to {command.mode.value.lower()}")
    _check_new(key, command.public_key, known, owners)
    base = known or met(key, now)
    end = now + ROTATION_MS if command.mode is EnrolmentMode.ROTATE else now
    return replace(
        base,
        enrolment=Enrolment.ENROLLED,
        keys=_added(base.keys, command.public_key, now, end),
        device_group=command.device_group or base.device_group,
        labels=_bounded(merged(base.labels, command.labels)),
        who=command.who,
        why=command.why,
        published=now,
    )


def admitted(key: MemberKey, public_key: bytes, token: FleetToken, known: Device | None, owners: Owners, now: int) -> Device:
    """The device after it enrolled itself with a token.

    Raises
    ------
    NotCarriedOutError
        Its key cannot be taken, or it is enrolled, revoked or retired.
    """
    command = EnrolDevice(
        tenant=key.tenant,
        device_id=key.device_id,
        public_key=public_key,
        device_group=token.device_group,
        labels=token.labels,
        why=f"token {token.token_id}",
    )
    return enrolled(command, known, owners, now)


def holds(device: Device | None, public_key: bytes) -> bool:
    """Whether this is the newest key of an enrolled device."""
    return device is not None and device.enrolment is Enrolment.ENROLLED and bool(device.keys) and device.keys[-1].public_key == public_key


def changed(command: ChangeDevice, known: Device | None, now: int) -> Device | None:
    """The device after a command; ``None`` where it is forgotten.

    Raises
    ------
    NotCarriedOutError
        The device is not known, or its standing does not go with the change.
    """
    key = MemberKey.of(command)
    if known is None:
        raise NotCarriedOutError(Reason.UNKNOWN_DEVICE, f"{key} is not known: nothing of it was heard, and it was not enrolled")
    device = replace(known, who=command.who, why=command.why, published=now)
    match command.action:
        case DeviceAction.LABEL:
            check_labels(command.labels)
            group = known.device_group if command.device_group is None else command.device_group
            check_name("device_group", group, empty=True)
            return replace(device, device_group=group, labels=_bounded(merged(known.labels, command.labels)))
        case DeviceAction.REVOKE:
            return replace(device, enrolment=Enrolment.REVOKED, keys=_ended(known.keys, now))
        case DeviceAction.RETIRE:
            return replace(device, enrolment=Enrolment.RETIRED, keys=_ended(known.keys, now))
        case DeviceAction.READMIT:
            if known.enrolment not in _ENDED:
                raise NotCarriedOutError(Reason.IMPOSSIBLE, f"{key} is {known.enrolment.value}: expected a revoked or retired device")
            return replace(device, enrolment=Enrolment.OPEN)
        case DeviceAction.FORGET:
            if known.enrolment is not Enrolment.OPEN:
                raise NotCarriedOutError(
                    Reason.IMPOSSIBLE, f"{key} is {known.enrolment.value}: its keys stay on record; revoke or retire it instead"
                )
            return None


def _check_new(key: MemberKey, public_key: bytes, known: Device | None, owners: Owners) -> None:
    """Refuse a key that this device had, or that another one has."""
    name = public_key_id(public_key)
    if known is not None and any(old.key_id == name for old in known.keys):
        raise NotCarriedOutError(Reason.BAD_KEY, f"public_key: expected a new key, given {name}, which {key} has or had")
    owner = owners.get(owned_key(key.tenant, name))
    if owner is not None and owner != key:
        raise NotCarriedOutError(Reason.KEY_IN_USE, f"public_key: {name} is that of {owner}; each device makes a key of its own")


def _added(keys: tuple[KnownKey, ...], public_key: bytes, now: int, end: int) -> tuple[KnownKey, ...]:
    new = KnownKey(key_id=public_key_id(public_key), public_key=public_key, since=now)
    return (*_ended(keys, end), new)[-MOST_KEYS:]


def _ended(keys: tuple[KnownKey, ...], end: int) -> tuple[KnownKey, ...]:
    return tuple(key if key.until is not None and key.until <= end else replace(key, until=end) for key in keys)


def _bounded(labels: dict[str, str]) -> dict[str, str]:
    check_labels(labels)
    return labels
