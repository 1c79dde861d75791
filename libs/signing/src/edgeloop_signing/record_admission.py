"""Admission of records by their signature: who may speak for a device of a tenant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from edgeloop_contracts import Admission, Device, Enrolment, FleetPolicy, KnownKey, MemberKey, Topic, topics
from edgeloop_contracts.keys import config_key
from edgeloop_errors import RetryableError

from edgeloop_signing.device_signatures import HEADER, RecordSignature, signed_message

SPEAKS_FOR = "speaks-for"
MAX_AGE_S = 1.0
# Keys of messages decide nothing in these, and another member may speak for a device.
RAW = frozenset(one.name for one in (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.OBSERVATION_NAMED_RAW, topics.LABELS_RAW))


class Reason(StrEnum):
    """Reasons for which a record is refused."""

    UNSIGNED = "UNSIGNED"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    REVOKED = "REVOKED"


REASONS = frozenset(Reason)


class FleetUnknownError(RetryableError):
    """The topics of the fleet cannot be read now, so nobody can be refused."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refusal of a record.

    Attributes
    ----------
    reason
        Typed reason.
    message
        Expected and given.
    """

    reason: Reason
    message: str


class Signed(Protocol):
    """The attributes of a received record that admission needs."""

    @property
    def event(self) -> Any:
        """Event of a device, with ``tenant`` and ``device_id``."""
        ...

    @property
    def key(self) -> str:
        """Key of the message."""
        ...

    @property
    def timestamp(self) -> int:
        """Record time, milliseconds."""
        ...

    @property
    def headers(self) -> Mapping[str, bytes]:
        """Headers as they came."""
        ...

    @property
    def raw(self) -> bytes:
        """Value as it came."""
        ...


class Newest(Protocol):
    """The methods of a table that admission needs."""

    def refresh(self) -> None:
        """Read to the topic's end."""
        ...

    def items(self) -> Iterable[tuple[str, Any]]:
        """Newest record of each key."""
        ...


class Gate(Protocol):
    """The part of :class:`Speakers` that a service's task needs."""

    def renew(self) -> None:
        """Allow another reading before a refusal."""
        ...

    def closed(self, tenant: str) -> bool:
        """Whether a tenant admits signed records alone."""
        ...

    def refusal(self, topic: Topic, received: Signed) -> Refusal | None:
        """Refusal of a record."""
        ...


Parts = Callable[[Topic, bytes, Mapping[str, bytes]], tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Known:
    """A key of a member, and who the member may speak for besides itself."""

    member: Device
    key: KnownKey
    speaks_for: frozenset[str]


class _Table:
    """A table that is made at its first reading."""

    def __init__(self, make: Callable[[], Newest]) -> None:
        self._make = make
        self._made: Newest | None = None

    def refreshed(self) -> Iterable[tuple[str, Any]]:
        if self._made is None:
            self._made = self._make()
        self._made.refresh()
        return self._made.items()


class Speakers:
    """Policies and keys of all tenants, as of the topics ``fleet.config`` and ``fleet.devices``.

    A record of a tenant whose admission is ``ENROLLED`` needs the signature of a key of its device. In a raw topic the key may also be
    that of a member with the label ``speaks-for``: names of devices with commas between, or ``*``. A key counts for records whose
    record time lies before its end. Its beginning is not checked: a signature proves who wrote the record, whenever the key became known.

    Nobody is refused by an old reading: before a refusal the topics are read again, once between two calls of :meth:`renew`.

    Parameters
    ----------
    config, devices
        Make the tables of the topics ``fleet.config`` and ``fleet.devices``; called at the first need.
    parts
        Fingerprint of the writer's schema, and body of a record (``Codec.signed_parts``).
    max_age
        Seconds after which the topics are read again.
    clock
        Monotonic clock, seconds.
    """

    def __init__(
        self,
        config: Callable[[], Newest],
        devices: Callable[[], Newest],
        parts: Parts,
        *,
        max_age: float = MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = _Table(config)
        self._devices = _Table(devices)
        self._parts = parts
        self._max_age = max_age
        self._clock = clock
        self._read_at = float("-inf")
        self._renewed = False
        self._enrolled: frozenset[str] = frozenset()
        self._members: dict[str, Any] = {}
        self._keys: dict[tuple[str, str], list[_Known]] = {}

    def renew(self) -> None:
        """Allow another reading before a refusal; to be called once a transaction."""
        self._renewed = False

    def closed(self, tenant: str) -> bool:
        """Whether a tenant admits signed records alone.

        Raises
        ------
        FleetUnknownError
            The topics cannot be read.
        """
        if self._clock() - self._read_at > self._max_age:
            self._read()
        return tenant in self._enrolled

    def refusal(self, topic: Topic, received: Signed) -> Refusal | None:
        """Refusal of a record of ``topic``; ``None`` if it is admitted.

        Raises
        ------
        FleetUnknownError
            As :meth:`closed`.
        """
        if not self.closed(received.event.tenant):
            return None
        found = self._judge(topic, received)
        if found is None or self._renewed:
            return found
        self._read()
        self._renewed = True
        return self._judge(topic, received) if self.closed(received.event.tenant) else None

    def _judge(self, topic: Topic, received: Signed) -> Refusal | None:
        event = received.event
        member = MemberKey.of(event)
        header = received.headers.get(HEADER)
        if header is None:
            return Refusal(Reason.UNSIGNED, f"expected the header {HEADER}, as tenant {event.tenant!r} admits enrolled devices alone")
        signature = RecordSignature.parse(header)
        if signature is None:
            return Refusal(Reason.BAD_SIGNATURE, f"{HEADER}: expected 72 bytes, given {len(header)}")
        known = [one for one in self._keys.get((event.tenant, signature.key_id), ()) if self._speaks(one, event.device_id, topic)]
        if not known:
            if self._standing(member) is Enrolment.REVOKED:
                return Refusal(Reason.REVOKED, f"the device {member} is revoked")
            return Refusal(Reason.UNKNOWN_KEY, f"expected a key of {member}, given the key {signature.key_id}")
        own_key = topic.key_of(event)
        if received.key != own_key and topic.name not in RAW:
            return Refusal(Reason.BAD_SIGNATURE, f"expected the key {own_key!r} of the record, given {received.key[:200]!r}")
        schema, body = self._parts(topic, received.raw, received.headers)
        message = signed_message(topic.name, own_key.encode(), schema, body)
        holding = [one for one in known if signature.holds(one.key.public_key, message)]
        if not holding:
            return Refusal(
                Reason.BAD_SIGNATURE, f"the signature of key {signature.key_id} does not hold for this topic, key, schema and body"
            )
        return None if any(_counts(one, received.timestamp) for one in holding) else _ended(holding[0], received.timestamp)

    def _speaks(self, known: _Known, device_id: str, topic: Topic) -> bool:
        if known.member.device_id == device_id:
            return True
        return topic.name in RAW and not known.speaks_for.isdisjoint({"*", device_id})

    def _standing(self, member: str) -> Enrolment | None:
        record = self._members.get(member)
        return record.event.enrolment if record else None

    def _read(self) -> None:
        try:
            policies = [(key, record.event) for key, record in self._config.refreshed()]
            enrolled = frozenset(
                one.tenant
                for key, one in policies
                if isinstance(one, FleetPolicy) and one.admission is Admission.ENROLLED and key == config_key(one)
            )
            self._take(dict(self._devices.refreshed()) if enrolled else {})
        except (LookupError, TimeoutError) as error:
            raise FleetUnknownError(f"the topics of the fleet cannot be read: {error}") from error
        self._enrolled = enrolled
        self._read_at = self._clock()

    def _take(self, members: dict[str, Any]) -> None:
        """Index the keys anew where a record has changed."""
        if members == self._members:
            return
        self._members = members
        self._keys = {}
        for place, record in members.items():
            device: Device = record.event
            if place != MemberKey.of(device):
                continue  # a record under another's key is nobody's
            labels = device.labels.get(SPEAKS_FOR, "").split(",")
            names = frozenset(name.strip() for name in labels if name.strip())
            for key in device.keys:
                self._keys.setdefault((device.tenant, key.key_id), []).append(_Known(device, key, names))


def _counts(known: _Known, at: int) -> bool:
    if known.key.until is not None:
        return at < known.key.until
    return known.member.enrolment is Enrolment.ENROLLED


def _ended(known: _Known, at: int) -> Refusal:
    member, until = MemberKey.of(known.member), known.key.until
    why = f"is {known.member.enrolment}" if until is None else f"ended its key {known.key.key_id} at {until}, and the record is of {at}"
    return Refusal(Reason.REVOKED, f"the device {member} {why}")
