"""Admission of records by their signature: who may speak for a device of a tenant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from edgeloop_contracts import Admission, Device, Enrolment, FleetPolicy, MemberKey, Topic
from edgeloop_contracts.keys import config_key
from edgeloop_errors import RetryableError

from edgeloop_signing.record_judgement import KeyOfMember, Parts, Refusal, Signed, judged

SPEAKS_FOR = "speaks-for"
MAX_AGE_S = 1.0


class FleetUnknownError(RetryableError):
    """The topics of the fleet cannot be read now, so nobody can be refused."""


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
        self._keys: dict[tuple[str, str], list[KeyOfMember]] = {}

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
        return judged(topic, received, lambda tenant, name: self._keys.get((tenant, name), ()), self._standing, self._parts)

    def _standing(self, member: MemberKey) -> Enrolment | None:
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
                self._keys.setdefault((device.tenant, key.key_id), []).append(KeyOfMember(device, key, names))
