"""Commands, requests, heartbeats, reports and ticks in; devices, health, configurations and answers out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from edgeloop_contracts import (
    Admission,
    ChangeDevice,
    CommandAccepted,
    Device,
    DeviceHealth,
    DeviceReport,
    EnrolDevice,
    Enrolment,
    EnrolmentRefused,
    EnrolmentRequest,
    FleetTick,
    Health,
    Heartbeat,
    IssueToken,
    MemberKey,
    SetAdmission,
    SetConfig,
    Topic,
    topics,
)
from edgeloop_contracts.keys import TenantKey, config_key
from edgeloop_contracts.plausibility import LONGEST_COMMAND_ID, impossible_heartbeat, impossible_report, is_id, is_name
from edgeloop_contracts.texts import cut
from edgeloop_contracts.topic import HOUR
from edgeloop_kafka import Received
from edgeloop_signing.keys import public_key_id
from edgeloop_signing.record_judgement import Parts, judged
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_fleet.core import decisions
from edgeloop_fleet.core.decisions import Command, Outcome
from edgeloop_fleet.core.health import after_heartbeat, after_silence, unheard
from edgeloop_fleet.core.members import met
from edgeloop_fleet.core.processes import heard
from edgeloop_fleet.core.refusals import NotCarriedOutError
from edgeloop_fleet.core.roster import Roster
from edgeloop_fleet.metrics import Metrics


class FleetTask:
    """The fleet's work; there is one partition, and so one order of commands and heartbeats.

    Parameters
    ----------
    state
        Of the partition.
    metrics
        Of the process.
    parts
        Fingerprint of the writer's schema, and body of a record, which signatures cover.
    """

    def __init__(self, state: State, metrics: Metrics, parts: Parts) -> None:
        self._state = state
        self._parts = parts
        self._roster = Roster(state)
        self._metrics = metrics
        metrics.show(self._roster.watches)

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take one record."""
        match received.event:
            case Heartbeat() as beat:
                return self._beat(beat, received)
            case FleetTick():
                return list(self._tick(received.timestamp))
            case DeviceReport() as report:
                return self._meet(report, received)
            case EnrolDevice() | IssueToken() | ChangeDevice() | SetConfig() | SetAdmission() as command:
                return list(self._decide(command, received.timestamp))
            case EnrolmentRequest() as asked:
                return list(self._request(asked, received.timestamp))
            case other:
                raise InvalidEventError("WRONG_TYPE", f"fleet does not handle {other.FULLNAME}")

    def flush(self) -> Iterable[Send]:
        """Show the fleet in the metrics; nothing is held back until the end of a transaction."""
        self._metrics.show(self._roster.watches)
        return ()

    def _decide(self, command: Command, now: int) -> Iterator[Send]:
        if not is_name(command.tenant) or not is_id(command.command_id, LONGEST_COMMAND_ID):
            raise InvalidEventError("IMPOSSIBLE", "tenant, command_id: expected a name and an id of a command; given something else")
        if self._roster.decided(command.tenant, command.command_id):
            return
        device_id = command.device_id if isinstance(command, EnrolDevice | ChangeDevice) else ""
        about = {"tenant": command.tenant, "device_id": cut(device_id, 200), "command_id": command.command_id, "who": cut(command.who, 200)}
        try:
            outcome = decisions.decide(command, self._roster, now)
        except NotCarriedOutError as refusal:
            self._metrics.refused.labels(refusal.reason).inc()
            answer: Any = EnrolmentRefused(**about, reason=refusal.reason, message=refusal.message, at=now)
        else:
            answer = CommandAccepted(**about, message=outcome.message, at=now)
            yield from self._apply(outcome, now)
        self._roster.note(command.tenant, command.command_id, now)
        yield Send(topics.FLEET_ANSWERS, TenantKey(command.tenant), answer)

    def _request(self, asked: EnrolmentRequest, now: int) -> Iterator[Send]:
        if not is_name(asked.tenant) or not is_name(asked.device_id):
            raise InvalidEventError("IMPOSSIBLE", "tenant, device_id: expected names, given something else")
        try:
            outcome = decisions.request(asked, self._roster, now)
        except NotCarriedOutError as refusal:
            self._metrics.refused.labels(refusal.reason).inc()
            key = TenantKey(asked.tenant)
            yield Send(
                topics.FLEET_ANSWERS,
                key,
                EnrolmentRefused(
                    tenant=asked.tenant,
                    device_id=asked.device_id,
                    key_id=public_key_id(asked.public_key),
                    reason=refusal.reason,
                    message=refusal.message,
                    at=now,
                ),
            )
            return
        yield from self._apply(outcome, now)

    def _apply(self, outcome: Outcome, now: int) -> Iterator[Send]:
        had_health = outcome.afresh is not None and self._roster.health(outcome.afresh) is not None
        self._roster.take(outcome)
        if outcome.device is not None:
            yield Send(topics.FLEET_DEVICES, MemberKey.of(outcome.device), outcome.device)
        if outcome.afresh is not None and had_health:  # views that do not see tombstones see this
            yield Send(topics.FLEET_HEALTH, outcome.afresh, unheard(outcome.afresh, now))
        if outcome.forgotten is not None:
            yield Send(topics.FLEET_HEALTH, outcome.forgotten, None)
            yield Send(topics.FLEET_DEVICES, outcome.forgotten, None)
        for config in (outcome.config, outcome.policy):
            if config is not None:
                yield Send(topics.FLEET_CONFIG, config_key(config), config)

    def _beat(self, beat: Heartbeat, received: Received[Any]) -> list[Send]:
        if why := impossible_heartbeat(beat):
            raise InvalidEventError("IMPOSSIBLE", cut(why))
        key, now = MemberKey.of(beat), received.timestamp
        if received.key != key:
            raise InvalidEventError("FOREIGN_KEY", f"key of the record: expected {key}, given {cut(received.key, 200)!r}")
        sends = self._known(key, now)
        self._check_signed(topics.FLEET_HEARTBEATS, received)
        processes = heard(self._roster.processes(key), beat.vitals, now)
        before = self._roster.health(key)
        record = after_heartbeat(key, before, processes, beat.vitals)
        for device in sends:
            self._roster.put_device(device)
        self._roster.put_processes(key, processes)
        self._roster.watch(key).put(key, Health.ONLINE, processes.heard)
        self._metrics.heartbeats.inc()
        effects = [Send(topics.FLEET_DEVICES, key, device) for device in sends]
        if record is not None:
            self._roster.put_health(record)
            effects.append(Send(topics.FLEET_HEALTH, key, record))
        return effects

    def _meet(self, report: DeviceReport, received: Received[Any]) -> list[Send]:
        if why := impossible_report(report):
            raise InvalidEventError("IMPOSSIBLE", cut(why))
        key = MemberKey.of(report)
        new = self._known(key, received.timestamp)
        self._check_signed(topics.FLEET_REPORTED, received)
        for device in new:
            self._roster.put_device(device)
        return [Send(topics.FLEET_DEVICES, key, device) for device in new]

    def _known(self, key: MemberKey, now: int) -> list[Device]:
        """The device where it is new; nothing where it is known.

        Raises
        ------
        InvalidEventError
            Nothing of it is admitted.
        """
        device = self._roster.device(key)
        if device is not None and device.enrolment in (Enrolment.REVOKED, Enrolment.RETIRED):
            raise InvalidEventError(device.enrolment.value, f"{key} is {device.enrolment.value}: nothing of it is admitted")
        enrolled = device is not None and device.enrolment is Enrolment.ENROLLED
        if not enrolled and self._roster.policy(key.tenant).admission is Admission.ENROLLED:
            raise InvalidEventError("NOT_ENROLLED", f"{key} is not enrolled, and {key.tenant} admits enrolled devices alone")
        return [met(key, now)] if device is None else []

    def _check_signed(self, topic: Topic, received: Received[Any]) -> None:
        """Refuse a record without the signature of its device, where the tenant admits enrolled devices alone.

        Raises
        ------
        InvalidEventError
            It has none, or one that does not hold.
        """
        if self._roster.policy(received.event.tenant).admission is not Admission.ENROLLED:
            return
        if refusal := judged(topic, received, self._roster.keys_of, self._roster.standing_of, self._parts):
            raise InvalidEventError(refusal.reason, refusal.message)

    def _tick(self, now: int) -> Iterator[Send]:
        for tenant, watch in self._roster.watches.items():
            for key, at, health in watch.overdue(now, self._roster.policy(tenant)):
                before = self._roster.health(key) or DeviceHealth(tenant=key.tenant, device_id=key.device_id)
                record = after_silence(before, at, health, now)
                self._roster.put_health(record)
                yield Send(topics.FLEET_HEALTH, key, record)
        if now // HOUR != self._state.now // HOUR:
            self._roster.expire(now)
