"""Judgement of a record by its signature: whether a key of its device signed it, and the key counted then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from edgeloop_contracts import Device, Enrolment, KnownKey, MemberKey, Topic, topics

from edgeloop_signing.device_signatures import HEADER, RecordSignature, signed_message

# Keys of messages decide nothing in these, and another member may speak for a device.
RAW = frozenset(one.name for one in (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.OBSERVATION_NAMED_RAW, topics.LABELS_RAW))


class Reason(StrEnum):
    """Reasons for which a record is refused."""

    UNSIGNED = "UNSIGNED"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    REVOKED = "REVOKED"


REASONS = frozenset(Reason)


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


Parts = Callable[[Topic, bytes, Mapping[str, bytes]], tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class KeyOfMember:
    """A key of a member.

    Attributes
    ----------
    member, key
        Device, and one of its keys.
    speaks_for
        Devices that it may speak for besides itself, in raw topics; ``*`` for all.
    """

    member: Device
    key: KnownKey
    speaks_for: frozenset[str] = frozenset()

    def speaks(self, device_id: str, topic: Topic) -> bool:
        """Whether the member may write records of a device to a topic."""
        if self.member.device_id == device_id:
            return True
        return topic.name in RAW and not self.speaks_for.isdisjoint({"*", device_id})


def judged(
    topic: Topic,
    received: Signed,
    keys_of: Callable[[str, str], Iterable[KeyOfMember]],
    standing_of: Callable[[MemberKey], Enrolment | None],
    parts: Parts,
) -> Refusal | None:
    """Refusal of a record of a tenant that admits enrolled devices alone; ``None`` if it is admitted.

    Parameters
    ----------
    keys_of
        Keys of a tenant with a name.
    standing_of
        Standing of a device; ``None`` if it is not known.
    parts
        Fingerprint of the writer's schema, and body of a record.
    """
    event = received.event
    member = MemberKey.of(event)
    header = received.headers.get(HEADER)
    if header is None:
        return Refusal(Reason.UNSIGNED, f"expected the header {HEADER}, as tenant {event.tenant!r} admits enrolled devices alone")
    signature = RecordSignature.parse(header)
    if signature is None:
        return Refusal(Reason.BAD_SIGNATURE, f"{HEADER}: expected 72 bytes, given {len(header)}")
    known = [one for one in keys_of(event.tenant, signature.key_id) if one.speaks(event.device_id, topic)]
    if not known:
        if standing_of(member) is Enrolment.REVOKED:
            return Refusal(Reason.REVOKED, f"the device {member} is revoked")
        return Refusal(Reason.UNKNOWN_KEY, f"expected a key of {member}, given the key {signature.key_id}")
    own_key = topic.key_of(event)
    if received.key != own_key and topic.name not in RAW:
        return Refusal(Reason.BAD_SIGNATURE, f"expected the key {own_key!r} of the record, given {received.key[:200]!r}")
    schema, body = parts(topic, received.raw, received.headers)
    message = signed_message(topic.name, own_key.encode(), schema, body)
    holding = [one for one in known if signature.holds(one.key.public_key, message)]
    if not holding:
        return Refusal(Reason.BAD_SIGNATURE, f"the signature of key {signature.key_id} does not hold for this topic, key, schema and body")
    return None if any(_counts(one, received.timestamp) for one in holding) else _ended(holding[0], received.timestamp)


def _counts(known: KeyOfMember, at: int) -> bool:
    if known.key.until is not None:
        return at < known.key.until
    return known.member.enrolment is Enrolment.ENROLLED


def _ended(known: KeyOfMember, at: int) -> Refusal:
    member, until = MemberKey.of(known.member), known.key.until
    why = f"is {known.member.enrolment}" if until is None else f"ended its key {known.key.key_id} at {until}, and the record is of {at}"
    return Refusal(Reason.REVOKED, f"the device {member} {why}")
