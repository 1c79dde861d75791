"""Versions, reports, evidence, orders and policies in; assignments and facts out.

A device is known from its first report on. By default a new version is assigned to every known device of its stream, and a device
that becomes known is assigned the current version; so each device has been told each version that is current in its
time, once. ``rollout.assignments`` is compacted, so a device that was off, or lost its disk, finds its assignment there
and needs no second one; and one that refuses a version is not told again. With a policy of phases, some devices get the version
first, and the counts of right and wrong answers decide about the others.

Whatever a report says of a version, it is not believed: the rows that a version answered are counted. But each report is an occasion to
look whether the device's assignment still stands: where somebody has put something else over it, it is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from edgeloop_contracts import (
    CandidateRefused,
    DeviceKey,
    DeviceReport,
    ErrorWindow,
    FleetTick,
    Heartbeat,
    MemberKey,
    ModelVersion,
    Policy,
    RolloutCommand,
    RolloutEvent,
    StreamKey,
    Topic,
    topics,
)
from edgeloop_contracts.events import RolloutFact
from edgeloop_contracts.plausibility import LONGEST_COMMAND_ID, impossible_report, is_id, is_name, is_repeat
from edgeloop_contracts.texts import cut
from edgeloop_kafka import Received
from edgeloop_signing.record_admission import Gate
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_rollout.core.assignments import target
from edgeloop_rollout.core.book import UNKNOWN, Book, under_way
from edgeloop_rollout.core.evidence import Arms, closed, collected
from edgeloop_rollout.core.policies import Plan, apply_policy, concerns_rollouts
from edgeloop_rollout.core.rollout_machine import begin, decide
from edgeloop_rollout.core.rollout_states import Assign, Device, DeviceReported, SendBack, Tick, TurnedBack
from edgeloop_rollout.io.groups import Groups, NoGroups
from edgeloop_rollout.io.orders import Orders
from edgeloop_rollout.io.outcomes import LatestAssignments, Outcomes

TICK_MS = 5_000
"""Time between two looks at rollouts that wait; the clock is the record time of whatever comes."""
SOON_MS = 1_000
"""The same after a device has installed a version. A look at each of thousands of reports would cost more than they."""


class RolloutTask:
    """The rollout's work; there is one partition, and so one order of versions, reports, evidence and orders.

    Parameters
    ----------
    state
        Of the partition: rollouts under ``tenant/stream``, known devices under ``tenant/stream/device``.
    assignments
        What stands in ``rollout.assignments``.
    gate
        Says who may speak for a device.
    groups
        Groups of devices.
    """

    def __init__(self, state: State, assignments: LatestAssignments, gate: Gate, groups: Groups | None = None) -> None:
        self._gate = gate
        self._groups = groups or NoGroups()
        self._book = Book(state, self._groups.of)
        self._outcomes = Outcomes(self._book, assignments)
        self._orders = Orders(self._book, self._outcomes)
        self._polled = False
        self._ticked = 0

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take one record, and let rollouts that wait see the time."""
        if not self._polled:
            self._groups.poll()
            self._polled = True
        sends = list(self._taken(received))
        if isinstance(received.event, Policy):
            return sends  # anybody may write one, with any time
        return [*sends, *self._tick(received.timestamp)]

    def flush(self) -> Iterable[Send]:
        """Send nothing; the next transaction reads the assignments again."""
        self._outcomes.end_transaction()
        self._polled = False
        self._gate.renew()
        return ()

    def _taken(self, received: Received[Any]) -> Iterable[Send]:
        match received.event:
            case ModelVersion() as version:
                return self._retarget(version, received)
            case DeviceReport() as report:
                self._admit(topics.FLEET_REPORTED, received)
                return self._register(report, received.timestamp)
            case ErrorWindow() as window:
                return self._count(window, received)
            case RolloutCommand() as command:
                if not (is_name(command.tenant) and is_name(command.stream) and is_id(command.command_id, LONGEST_COMMAND_ID)):
                    raise InvalidEventError("IMPOSSIBLE", "tenant, stream, command_id: expected two names and an id, given something else")
                return self._orders.take(command, received)
            case Policy() as policy:
                return self._set_policy(policy, received.timestamp)
            case Heartbeat() as beat:
                self._admit(topics.FLEET_HEARTBEATS, received)
                self._hear(MemberKey.of(beat), received.timestamp)
                return ()
            case FleetTick() | CandidateRefused():
                return ()
            case other:
                raise InvalidEventError("WRONG_TYPE", f"rollout does not handle {other.FULLNAME}")

    def _admit(self, topic: Topic, received: Received[Any]) -> None:
        if refusal := self._gate.refusal(topic, received):
            raise InvalidEventError(refusal.reason, refusal.message)

    def _tick(self, now: int) -> Iterator[Send]:
        if now - self._ticked < TICK_MS:
            return
        self._ticked = now
        for stream in self._book.under_way():
            yield from self._outcomes.decide(stream, Tick(now / 1000), now)

    def _retarget(self, version: ModelVersion, received: Received[Any]) -> Iterator[Send]:
        stream, at = StreamKey.of(version), received.timestamp
        newest = self._book.rollout(stream)
        if newest is not None and version.version <= newest.version:
            return
        self._book.note_target(stream, target(version, received.cause))
        base = self._book.stream(stream).target
        previous = base.version if base is not None else None
        policy, fleet = self._book.plan(stream).made(), self._book.fleet(stream)
        astray: list[str] = []
        if newest is not None and under_way(newest):
            astray = [name for name, one in fleet.items() if one.assigned == newest.version and not one.pinned]
            kind = RolloutFact.SUPERSEDED
            yield self._outcomes.fact(
                RolloutEvent(tenant=stream.tenant, stream=stream.stream, kind=kind, version=newest.version, previous=previous or 0, at=at)
            )
        free = fleet | {name: replace(fleet[name], assigned=previous) for name in astray}
        rollout, effects = begin(policy, free, stream=stream.stream, version=version.version, previous=previous, at=at / 1000)
        chosen = {name for effect in effects if isinstance(effect, Assign) for name in effect.devices}
        if previous is not None and (back := tuple(sorted(set(astray) - chosen))):
            effects = (*effects, SendBack(previous, back, TurnedBack()))
        self._book.put_rollout(stream, rollout, ())
        yield from self._outcomes.carry_out(stream, policy, fleet, rollout, effects, at, begun=True)

    def _register(self, report: DeviceReport, at: int) -> Iterator[Send]:
        if why := impossible_report(report):
            raise InvalidEventError("IMPOSSIBLE", cut(why))
        key = DeviceKey.of(report)
        stream, known = key.stream_key, self._book.device(key)
        before = known or UNKNOWN
        if self._gate.closed(key.tenant):  # in an open tenant anybody could name the highest number of a device
            if is_repeat(report, (before.boot_epoch, before.report)):
                return
            before = replace(before, boot_epoch=report.boot_epoch, report=report.number)
        installed = report.version if report.version is not None else before.installed
        changed = installed != before.installed
        self._book.put_device(key, replace(before, installed=installed, heard=at if changed or known is None else before.heard))
        self._book.heard(key, at)
        rollout, aim = self._book.rollout(stream), self._book.stream(stream).target
        if rollout is None or aim is None:
            return
        if known is None:
            view = Device(self._groups.of(MemberKey.of(report)), at / 1000, None, installed)
            _, effects = decide(self._book.plan(stream).made(), {key.device_id: view}, rollout, DeviceReported(at / 1000, key.device_id))
            back = any(isinstance(effect, SendBack) for effect in effects)
            yield self._outcomes.tell(stream, key.device_id, aim.version, None, back=back)
        else:
            yield from self._outcomes.mended(key)
        if changed and at - self._ticked >= SOON_MS:
            self._ticked = min(self._ticked, at - TICK_MS)

    def _count(self, window: ErrorWindow, received: Received[Any]) -> Iterator[Send]:
        if not (is_name(window.tenant) and is_name(window.stream)):
            raise InvalidEventError("IMPOSSIBLE", "tenant, stream: expected names, given something else")
        stream, at = StreamKey.of(window), received.timestamp
        record, rollout = self._book.stream(stream), self._book.rollout(stream)
        if rollout is None or not under_way(rollout) or received.offset < record.windows_end:
            return
        for count in filter(lambda count: is_name(count.device_id), window.counts):
            self._book.heard(DeviceKey(stream.tenant, stream.stream, count.device_id), at)
        plan = self._book.plan(stream)
        arms = Arms(rollout.previous, rollout.version)
        waiting = collected(self._book.waiting(stream), window.counts, arms, lambda name: self._compared(stream, name, plan))
        self._book.put_stream(stream, replace(record, windows_end=received.offset + 1))
        if (whole := closed(waiting, plan.window, at / 1000)) is None:
            self._book.put_rollout(stream, rollout, waiting)
        else:
            yield from self._outcomes.decide(stream, whole, at, waiting=())

    def _compared(self, stream: StreamKey, name: str, plan: Plan) -> str | None:
        """Group in which a device is compared."""
        device = self._book.device(DeviceKey(stream.tenant, stream.stream, name)) if is_name(name) else None
        if device is None or device.pinned:
            return None
        group = self._groups.of(MemberKey(stream.tenant, name))
        return group if group in plan.judged_groups else ""

    def _hear(self, member: MemberKey, at: int) -> None:
        for key in self._book.served(member):
            if not self._book.plan(key.stream_key).at_once:
                self._book.heard(key, at)

    def _set_policy(self, policy: Policy, at: int) -> Iterator[Send]:
        if not is_name(policy.tenant) or not (is_name(policy.stream) or not policy.stream):
            raise InvalidEventError("IMPOSSIBLE", "tenant, stream: expected names, given something else")
        if policy.withdrawn or not concerns_rollouts(policy):
            self._book.drop_policy(policy)
            return
        try:
            plan = apply_policy(Plan(), policy)
            if plan.named_groups:
                plan.check_groups(self._groups.known(policy.tenant))
        except (ValueError, TypeError) as error:
            yield self._outcomes.fact(
                RolloutEvent(
                    tenant=policy.tenant,
                    stream=policy.stream,
                    kind=RolloutFact.POLICY_REFUSED,
                    reason="IMPOSSIBLE",
                    message=cut(f"policy {policy.name}, version {policy.version}: {error}"),
                    at=at,
                )
            )
        else:
            self._book.put_policy(policy)
