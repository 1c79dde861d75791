"""Rollouts by phases, on a fleet of twenty devices that do as they are told."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from edgeloop_contracts import (
    Assignment,
    DeviceReport,
    DeviceStatus,
    ErrorWindow,
    FleetTick,
    Heartbeat,
    MemberKey,
    ModelFile,
    ModelVersion,
    Policy,
    RolloutCommand,
    RolloutEvent,
    RolloutState,
    RolloutVersion,
    SignedStatement,
    topics,
)
from edgeloop_contracts.events import ErrorCount, RolloutFact, RolloutOrder, RolloutPolicy, RolloutTarget
from edgeloop_readers.latest_records import LatestRecords
from edgeloop_rollout.handlers import RolloutTask
from edgeloop_streaming import State
from edgeloop_streaming.testing import TaskDriver
from support.speakers import EVERYBODY

STREAM, SECOND = "default/pumps", 1000
PHASES = RolloutPolicy(phases=(0.1, 0.5, 1.0), least_rows=50, window=100)
Fact = RolloutFact


def count(device: str, version: int, rows: int, errors: int) -> ErrorCount:
    return ErrorCount(device_id=device, model_version=version, rows=rows, errors=errors)


class Fleet:
    """A rollout without a broker, and devices that install what they are told unless they are deaf."""

    def __init__(self, devices: int = 20, policy: RolloutPolicy = PHASES, rates: dict[int, float] | None = None) -> None:
        self.driver = TaskDriver("rollout", self._task)
        self.rates = {1: 0.1, 2: 0.1, 3: 0.1} | (rates or {})
        self.runs: dict[str, int] = {}
        self.serials: dict[str, int] = {}
        self.deaf: set[str] = set()
        self.away: set[str] = set()
        self.groups: dict[str, str] = {}
        self.now, self._draw, self._commands = SECOND, Random(7), 0
        self.set_policy(policy)
        for number in range(devices):
            self.report(f"p{number:02}")
        self.version(1)

    def _task(self, _partition: int, state: State) -> RolloutTask:
        broker = self.driver.broker if hasattr(self, "driver") else None
        return RolloutTask(state, _Latest(self, broker), EVERYBODY, self)

    def poll(self) -> None:
        """Groups are known at once."""

    def of(self, member: MemberKey) -> str:
        return self.groups.get(member.device_id, "")

    def known(self, tenant: str) -> frozenset[str]:
        return frozenset(self.groups.values()) if tenant == "default" else frozenset()

    def send(self, topic: Any, event: Any, key: str) -> list[Any]:
        self.now += 1
        sends: list[Any] = self.driver.send(topic, event, key, timestamp=self.now)
        for send in sends:
            if isinstance(send.event, Assignment):
                self._told(send.event)
        return sends

    def _told(self, told: Assignment) -> None:
        name = told.device_id
        if name in self.deaf or name in self.away:
            return
        known = (self.serials.get(name, 0), self.runs.get(name, 0))
        if (told.serial, told.version) > known:
            self.serials[name], self.runs[name] = told.serial, told.version
            self.report(name)

    def report(self, name: str) -> list[Any]:
        status = DeviceStatus.INSTALLED if name in self.runs else DeviceStatus.ONLINE
        report = DeviceReport(tenant="default", stream="pumps", device_id=name, status=status, version=self.runs.get(name))
        return self.send(topics.FLEET_REPORTED, report, f"{STREAM}/{name}")

    def version(self, number: int) -> list[Any]:
        file, signed = ModelFile(digest=f"d{number}", size=9, chunks=1), SignedStatement(statement=b"words", signature=b"sign")
        return self.send(
            topics.MODEL_EVENTS, ModelVersion(tenant="default", stream="pumps", version=number, file=file, signed=signed), STREAM
        )

    def set_policy(self, policy: RolloutPolicy) -> list[Any]:
        return self.send(topics.POLICIES, Policy(tenant="default", stream="pumps", version=1, rollout=policy), STREAM)

    def order(self, order: RolloutOrder, **more: Any) -> RolloutEvent:
        """Give an order; its first answer."""
        self._commands += 1
        command = RolloutCommand(
            tenant="default", stream="pumps", command_id=f"c{self._commands}", order=order, who="ann", why="because", **more
        )
        sends = self.send(topics.ROLLOUT_COMMANDS, command, STREAM)
        return next(send.event for send in sends if isinstance(send.event, RolloutEvent) and send.event.command_id == command.command_id)

    def rows(self, each: int = 10) -> list[Any]:
        """Some seconds in which every device that is there answers rows."""
        self.now += 10 * SECOND
        counts = [
            count(name, version, each, sum(self._draw.random() < self.rates[version] for _ in range(each)))
            for name, version in sorted(self.runs.items())
            if name not in self.away
        ]
        return self.send(topics.ERROR_WINDOWS, ErrorWindow(tenant="default", stream="pumps", counts=tuple(counts)), STREAM)

    def tick(self, seconds: float = 10) -> list[Any]:
        self.now += int(seconds * SECOND)
        return self.send(topics.FLEET_HEARTBEATS, FleetTick(source="fleet"), "tick")

    def until(self, kind: Fact, most: int = 100) -> RolloutEvent:
        """Rows until a fact is there."""
        for _ in range(most):
            if self.facts and self.facts[-1].kind is kind:
                return self.facts[-1]
            self.rows()
        raise AssertionError([fact.kind.value for fact in self.facts])

    @property
    def facts(self) -> list[RolloutEvent]:
        return [send.event for send in self.driver.sent if isinstance(send.event, RolloutEvent)]  # type: ignore[union-attr]

    @property
    def kinds(self) -> list[str]:
        return [fact.kind.value for fact in self.facts]

    def at(self, version: int) -> set[str]:
        return {name for name, runs in self.runs.items() if runs == version}


class _Latest(LatestRecords):
    """What stands in the topic; asked once there is a broker."""

    def __init__(self, fleet: Fleet, broker: Any) -> None:
        self._fleet, self._broker, self._made = fleet, broker, None

    def _found(self) -> Any:
        self._made = self._made or self._fleet.driver.broker.latest_records(topics.ROLLOUT_ASSIGNMENTS)
        return self._made

    def refresh(self) -> None:
        self._found().refresh()

    def holds(self, key: Any, event: Any) -> bool:
        return self._found().holds(key, event)

    def note_written(self, key: Any, event: Any) -> None:
        self._found().note_written(key, event)

    def forget_unread(self) -> None:
        """Nothing is unread yet."""


def test_a_version_that_is_as_good_reaches_everybody_phase_by_phase() -> None:
    fleet = Fleet()
    assert len(fleet.at(1)) == 20
    fleet.version(2)
    assert len(fleet.at(2)) == 2
    done = fleet.until(Fact.DONE)
    assert fleet.kinds == ["DONE", "STARTED", "PHASE_BEGUN", "PHASE_BEGUN", "DONE"]
    assert (done.version, done.previous, len(fleet.at(2))) == (2, 1, 20)
    began = fleet.facts[2]
    assert (began.phase, began.phases, began.devices) == (2, 3, 8)
    (finding,) = began.evidence
    assert finding.metric == "errors" and finding.new_rows >= 50 and finding.log_evidence >= math.log(1 / finding.alpha)


def test_a_worse_version_is_turned_back_in_its_first_phase_and_its_devices_are_sent_back_with_the_evidence_named() -> None:
    fleet = Fleet(rates={2: 0.3})
    fleet.version(2)
    treated = fleet.at(2)
    turned = fleet.until(Fact.TURNED_BACK)
    assert fleet.kinds == ["DONE", "STARTED", "TURNED_BACK"]
    (finding,) = turned.evidence
    assert finding.lower > 0 and finding.new_errors / finding.new_rows > finding.old_errors / finding.old_rows
    assert (finding.device_group, turned.devices, turned.previous) == ("", 2, 1)
    assert len(fleet.at(1)) == 20
    sent = [send for send in fleet.driver.sent if isinstance(send.event, Assignment) and send.event.serial]
    assert {(send.event.device_id, send.event.version, send.event.serial) for send in sent} == {(name, 1, 1) for name in treated}
    # What led to the way back is its cause.
    assert all(send.cause.at.startswith("error.windows/") for send in sent)
    fleet.rows(100)
    assert fleet.kinds[-1] == "TURNED_BACK"
    assert len(fleet.version(3)) > 0
    assert len(fleet.at(3)) == 2


def test_a_restart_in_mid_stream_and_a_record_that_comes_twice_change_nothing() -> None:
    calm, restless = Fleet(rates={2: 0.3}), Fleet(rates={2: 0.3})
    for fleet in (calm, restless):
        fleet.version(2)
    for _ in range(30):
        calm.rows()
        restless.rows()
        assert restless.driver.repeat() == []
        restless.driver.restart()
    assert calm.kinds == restless.kinds == ["DONE", "STARTED", "TURNED_BACK"]
    assert [fact.evidence for fact in calm.facts] == [fact.evidence for fact in restless.facts]
    assert calm.runs == restless.runs


def test_a_device_that_refuses_the_version_is_judged_by_the_one_that_it_runs() -> None:
    fleet = Fleet(rates={2: 0.9})
    fleet.deaf = set(fleet.runs)
    fleet.version(2)
    for _ in range(30):
        fleet.rows()
    assert fleet.kinds == ["DONE", "STARTED"]
    record: Any = fleet.driver.state.get(RolloutState, STREAM)
    (comparison,) = record.running.comparisons
    assert (comparison.old_rows, comparison.new_rows, record.running.phase_rows) == (0, 0, 0)


def test_a_lost_device_never_blocks_a_phase_and_converges_when_it_comes_back() -> None:
    fleet = Fleet()
    fleet.version(2)
    (lost, _) = sorted(fleet.at(2))
    fleet.away, fleet.runs[lost] = {lost, "p07"}, 1
    fleet.until(Fact.DONE)
    assert fleet.at(1) == fleet.away
    assigned = {send.event.device_id: send.event for send in fleet.driver.sent if isinstance(send.event, Assignment)}
    fleet.away = set()
    for name in fleet.at(1):
        fleet._told(assigned[name])
    assert len(fleet.at(2)) == 20


def test_a_device_that_joins_gets_the_old_version_and_the_new_one_in_its_turn() -> None:
    fleet = Fleet()
    fleet.version(2)
    fleet.report("p99")
    assert fleet.runs["p99"] == 1
    fleet.until(Fact.DONE)
    assert fleet.runs["p99"] == 2
    fleet.report("p98")
    assert fleet.runs["p98"] == 2


def test_a_person_pauses_resumes_and_approves_and_each_order_is_a_fact_with_who_and_why() -> None:
    fleet = Fleet(policy=replace(PHASES, approval=(2,)))
    fleet.version(2)
    paused = fleet.order(RolloutOrder.PAUSE)
    assert (paused.kind, paused.who, paused.why, paused.version) == (Fact.PAUSED, "ann", "because", 2)
    for _ in range(30):
        fleet.rows()
    assert len(fleet.at(2)) == 2
    fleet.driver.restart()
    refused = fleet.order(RolloutOrder.PAUSE)
    assert (refused.kind, refused.reason) == (Fact.REFUSED, "OTHER_STAGE")
    assert fleet.order(RolloutOrder.RESUME).kind is Fact.RESUMED
    waiting = fleet.until(Fact.AWAITING_APPROVAL)
    assert (waiting.phase, len(fleet.at(2))) == (2, 2)
    late = fleet.order(RolloutOrder.APPROVE, until=fleet.now - 1)
    assert (late.kind, late.reason) == (Fact.REFUSED, "EXPIRED")
    assert fleet.order(RolloutOrder.APPROVE, phase=9).reason == "NO_SUCH_PHASE"
    assert fleet.order(RolloutOrder.APPROVE, until=fleet.now + 1000).kind is Fact.APPROVED
    assert len(fleet.at(2)) == 10
    fleet.until(Fact.DONE)


def test_a_finished_rollout_is_rolled_back_and_the_version_is_offered_again_only_by_a_person() -> None:
    fleet = Fleet(policy=RolloutPolicy())  # every version to everybody at once
    fleet.version(2)
    assert len(fleet.at(2)) == 20 and fleet.facts == []
    assert fleet.order(RolloutOrder.ABORT).reason == "OTHER_STAGE"
    assert fleet.order(RolloutOrder.ROLLBACK, version=7).reason == "UNKNOWN_VERSION"
    assert fleet.order(RolloutOrder.ROLLBACK).kind is Fact.TURNED_BACK
    assert len(fleet.at(1)) == 20
    assert fleet.order(RolloutOrder.PIN, device_id="p03", version=2).reason == "TURNED_BACK"
    fleet.report("p50")
    assert fleet.runs["p50"] == 1
    fleet.driver.restart()
    assert fleet.order(RolloutOrder.OFFER).kind is Fact.OFFERED
    fleet.tick()
    assert len(fleet.at(2)) == 21
    assert fleet.kinds[-1] == "DONE"


def test_a_pinned_device_keeps_its_version_until_it_is_unpinned() -> None:
    fleet = Fleet(policy=RolloutPolicy())
    fleet.version(2)
    assert fleet.order(RolloutOrder.PIN, device_id="p03", version=1).kind is Fact.PINNED
    assert fleet.at(1) == {"p03"}
    fleet.version(3)
    assert fleet.at(1) == {"p03"} and len(fleet.at(3)) == 19
    assert fleet.order(RolloutOrder.PIN, device_id="p03", version=9).reason == "UNKNOWN_VERSION"
    assert fleet.order(RolloutOrder.PIN, device_id="px", version=1).reason == "UNKNOWN_DEVICE"
    fleet.driver.restart()
    assert fleet.order(RolloutOrder.UNPIN, device_id="p03").kind is Fact.UNPINNED
    assert len(fleet.at(3)) == 20
    assert fleet.order(RolloutOrder.UNPIN, device_id="p03").reason == "NOT_PINNED"


def test_a_newer_version_takes_the_place_of_one_under_way_and_no_device_keeps_the_unproven_one() -> None:
    fleet = Fleet()
    fleet.version(2)
    fleet.version(3)
    assert fleet.kinds[-2:] == ["SUPERSEDED", "STARTED"]
    assert (fleet.at(2), len(fleet.at(3)), len(fleet.at(1))) == (set(), 2, 18)


def test_a_group_that_gets_worse_turns_a_version_back() -> None:
    fleet = Fleet(devices=40)
    fleet.groups = {name: "north" if number % 2 else "south" for number, name in enumerate(sorted(fleet.runs))}
    fleet.set_policy(replace(PHASES, judged_groups=("north",), phases=(0.2, 1.0)))
    fleet.version(2)
    fleet.rates[2] = 0.1
    rows = fleet.rows

    def north_is_worse() -> list[Any]:
        fleet.now += 10 * SECOND
        counts = tuple(
            count(name, version, 20, 8 if version == 2 and fleet.groups[name] == "north" else 1 if version == 2 else 4)
            for name, version in sorted(fleet.runs.items())
        )
        return fleet.send(topics.ERROR_WINDOWS, ErrorWindow(tenant="default", stream="pumps", counts=counts), STREAM)

    fleet.rows = north_is_worse  # type: ignore[method-assign]
    turned = fleet.until(Fact.TURNED_BACK)
    fleet.rows = rows  # type: ignore[method-assign]
    assert "north" in {finding.device_group for finding in turned.evidence}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (RolloutPolicy(phases=(0.5, 0.25, 1.0)), "must not shrink"),
        (RolloutPolicy(phases=(0.5, 1.5)), "at most 100 %"),
        (RolloutPolicy(phases=(0.5, 1.0), groups=("attic",)), "no group attic"),
        (RolloutPolicy(phases=(0.5, 1.0), judged_groups=("attic",)), "no group attic"),
        (RolloutPolicy(phases=(0.5, 1.0), margin=-1.0), "margin"),
        (RolloutPolicy(phases=(0.5, 1.0), approval=(1,)), "approval"),
    ],
)
def test_a_policy_that_cannot_be_carried_out_is_refused_and_the_one_before_it_stays(given: RolloutPolicy, told: str) -> None:
    fleet = Fleet()
    (send,) = fleet.set_policy(given)
    assert (send.event.kind, told in send.event.message) == (Fact.POLICY_REFUSED, True)
    fleet.version(2)
    assert len(fleet.at(2)) == 2


def test_orders_and_counts_of_what_is_not_there_change_nothing() -> None:
    fleet = Fleet(devices=2)
    command = RolloutCommand(tenant="default", stream="fans", command_id="c", order=RolloutOrder.PAUSE)
    (send,) = fleet.send(topics.ROLLOUT_COMMANDS, command, "default/fans")
    assert send.event.reason == "UNKNOWN_STREAM"
    assert fleet.send(topics.ROLLOUT_COMMANDS, replace(command, command_id=""), "default/fans") == []
    assert [dead.reason for dead in fleet.driver.dead] == ["IMPOSSIBLE"]
    assert fleet.order(RolloutOrder.UNKNOWN).reason == "UNKNOWN_ORDER"
    fleet.version(2)
    odd = (count("p77", 2, 500, 500), count("p00", 9, 500, 500), count("p00", 2, 5, 6))
    assert fleet.send(topics.ERROR_WINDOWS, ErrorWindow(tenant="default", stream="pumps", counts=odd), STREAM) == []


def test_an_order_that_comes_twice_is_carried_out_once() -> None:
    fleet = Fleet()
    fleet.version(2)
    assert fleet.order(RolloutOrder.PAUSE).kind is Fact.PAUSED
    assert fleet.driver.repeat() == []
    fleet.driver.restart()
    assert fleet.driver.repeat() == []


def test_state_that_was_written_before_there_were_phases_goes_on() -> None:
    fleet = Fleet(devices=0, policy=RolloutPolicy())
    for kind in (RolloutVersion, RolloutState):
        for key in [key for key, _ in fleet.driver.state.items(kind)]:
            fleet.driver.state.delete(kind, key)
    target = RolloutTarget(version=4, file=ModelFile(digest="d4", size=9, chunks=1))
    fleet.driver.state.put(STREAM, RolloutState(target=target))
    fleet.driver.state.put(f"{STREAM}/p01", RolloutState())
    fleet.driver.state.drain()
    fleet.driver._watched.task = fleet._task(0, fleet.driver.state)  # a task that has seen nothing else
    assert fleet.version(3) == []
    assert fleet.order(RolloutOrder.ROLLBACK).reason == "NO_EARLIER_VERSION"
    fleet.report("p02")
    assert fleet.runs == {"p02": 4}
    fleet.version(5)
    assert fleet.runs == {"p01": 5, "p02": 5}
    assert fleet.order(RolloutOrder.ROLLBACK).kind is Fact.TURNED_BACK
    assert fleet.runs == {"p01": 4, "p02": 4}


def test_a_policy_of_one_phase_ends_a_rollout_that_is_under_way() -> None:
    fleet = Fleet()
    fleet.version(2)
    fleet.send(topics.POLICIES, Policy(tenant="default", stream="pumps", version=2, withdrawn=True), STREAM)
    fleet.tick()
    fleet.tick()
    assert (len(fleet.at(2)), fleet.kinds[-1]) == (20, "DONE")


def test_heartbeats_and_rows_keep_a_device_from_being_lost() -> None:
    fleet = Fleet(devices=4)
    fleet.version(2)
    (chosen,) = fleet.at(2)
    for _ in range(20):
        fleet.now += 60 * SECOND
        beat = Heartbeat(tenant="default", device_id=chosen)
        fleet.send(topics.FLEET_HEARTBEATS, beat, f"default/{chosen}")
    assert fleet.at(2) == {chosen}
    # Without a word of it, another device stands in for it.
    fleet.now += 3600 * SECOND
    for name in sorted(fleet.at(1)):
        fleet.report(name)
    fleet.tick()
    assert len(fleet.at(2)) == 2


def test_orders_of_a_stranger_neither_end_the_service_nor_stop_its_clock() -> None:
    fleet = Fleet(policy=replace(PHASES, approval=(2,)))
    fleet.version(2)
    for name in ("p01/x", "", "x" * 500, "p\n"):
        assert fleet.order(RolloutOrder.PIN, device_id=name, version=1).reason == "UNKNOWN_DEVICE"
        assert fleet.order(RolloutOrder.UNPIN, device_id=name).reason == "UNKNOWN_DEVICE"
    for until in (-(2**62), -1, 0):
        assert fleet.order(RolloutOrder.APPROVE, until=until).reason == "EXPIRED"
    for phase in (-(2**31), 2**31 - 1):
        assert fleet.order(RolloutOrder.APPROVE, phase=phase).reason == "NO_SUCH_PHASE"
    assert fleet.order(RolloutOrder.PAUSE, version=-1).reason == "UNKNOWN_VERSION"
    odd = (count("p01/x", 2, 500, 500), count("", 2, 500, 500))
    assert fleet.send(topics.ERROR_WINDOWS, ErrorWindow(tenant="default", stream="pumps", counts=odd), STREAM) == []
    policy = Policy(tenant="default", stream="pumps", version=2, rollout=replace(PHASES, approval=(2,), window=50))
    fleet.driver.send(topics.POLICIES, policy, STREAM, timestamp=2**52)
    fleet.driver.now = fleet.now
    fleet.driver.restart()
    assert fleet.until(Fact.AWAITING_APPROVAL).version == 2
    assert fleet.order(RolloutOrder.APPROVE, until=fleet.now + 1000).kind is Fact.APPROVED
    assert [key for key in fleet.driver.stored if key.startswith("RolloutState") and key.count("/") > 3] == []
