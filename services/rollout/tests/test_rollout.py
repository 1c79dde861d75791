"""Assignments: each device gets the right version, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from edgeloop_contracts import (
    Assignment,
    CandidateRefused,
    DeviceKey,
    DeviceReport,
    DeviceStatus,
    Event,
    ModelFile,
    ModelVersion,
    RolloutState,
    SignedStatement,
    topics,
)
from edgeloop_kafka import body
from edgeloop_kafka.writer_schemas import fingerprint
from edgeloop_readers.latest_records import LatestRecords
from edgeloop_rollout.handlers import RolloutTask
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.record_admission import Speakers
from edgeloop_streaming import State
from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.testing import TaskDriver
from support.fleet import Fleet
from support.speakers import EVERYBODY


class Late:
    """What stands, asked of a broker that is there once it is asked."""

    def __init__(self, make: Callable[[], LatestRecords]) -> None:
        self._make = make
        self._latest: LatestRecords | None = None
        self.markers_late = False

    def refresh(self) -> None:
        if not self.markers_late:
            self._found().refresh()

    def holds(self, key: str, event: Event) -> bool:
        return self._found().holds(key, event)

    def note_written(self, key: str, event: Event) -> None:
        self._found().note_written(key, event)

    def forget_unread(self) -> None:
        if self._latest is not None:
            self._latest.forget_unread()

    def _found(self) -> LatestRecords:
        self._latest = self._latest or self._make()
        return self._latest


class Rollout:
    """A rollout without a broker."""

    def __init__(self) -> None:
        self.gate: Any = EVERYBODY
        self.signer: RecordSigner | None = None
        self.driver = TaskDriver("rollout", self._task)

    def _task(self, _partition: int, state: State) -> RolloutTask:
        # The driver makes its first task while it is made itself.
        self.assigned = Late(lambda: self.driver.broker.latest_records(topics.ROLLOUT_ASSIGNMENTS))
        return RolloutTask(state, self.assigned, self.gate)

    def version(self, number: int, stream: str = "pumps") -> list[tuple[str, int]]:
        version = ModelVersion(
            tenant="default",
            stream=stream,
            version=number,
            file=ModelFile(digest=f"d{number}", size=9, chunks=1),
            signed=SignedStatement(statement=b"words", signature=b"sign", key_id="k"),
        )
        return self._told(self.driver.send(topics.MODEL_EVENTS, version, f"default/{stream}"))

    def report(self, device: str, stream: str = "pumps", **fields: Any) -> list[tuple[str, int]]:
        report = DeviceReport(tenant="default", stream=stream, device_id=device, **fields)
        key, topic = DeviceKey.of(report), topics.FLEET_REPORTED
        headers = self.signer(topic.name, key.encode(), fingerprint(DeviceReport), body(report)) if self.signer else {}
        return self._told(self.driver.send(topic, report, key, headers=headers))

    def enrolled(self) -> Fleet:
        """A fleet of the tenant, which admits enrolled devices alone from now on."""
        broker = self.driver.broker
        fleet = Fleet(broker.publisher("fleet"), "default")
        fleet.close()
        config, devices = (partial(broker.table, topic) for topic in (topics.FLEET_CONFIG, topics.FLEET_DEVICES))
        self.gate = Speakers(config, devices, broker.codec.signed_parts, max_age=0.0)
        self.driver.restart()
        return fleet

    def _told(self, sends: list[Any]) -> list[tuple[str, int]]:
        assert all(send.topic is topics.ROLLOUT_ASSIGNMENTS for send in sends)
        assert all(DeviceKey.of(s.event) == s.key for s in sends)
        return [(send.key, send.event.version) for send in sends]


@pytest.fixture
def rollout() -> Rollout:
    return Rollout()


def test_a_version_goes_to_every_known_device_of_its_stream_and_to_no_other(rollout: Rollout) -> None:
    assert rollout.report("p1") == []
    rollout.report("p2")
    rollout.report("f1", stream="pumps-2")
    assert rollout.version(1) == [("default/pumps/p1", 1), ("default/pumps/p2", 1)]


def test_a_device_that_comes_later_is_told_the_current_version_with_the_versions_cause(rollout: Rollout) -> None:
    rollout.version(1)
    rollout.version(2)
    assert rollout.report("p1") == [("default/pumps/p1", 2)]
    sent: Any = rollout.driver.sent[-1]
    assert sent.cause.at == "model.events/0/1"
    assert sent.event == Assignment(
        tenant="default",
        stream="pumps",
        device_id="p1",
        version=2,
        file=ModelFile(digest="d2", size=9, chunks=1),
        signed=SignedStatement(statement=b"words", signature=b"sign", key_id="k"),
    )


def test_versions_and_reports_applied_twice_tell_nobody_again(rollout: Rollout) -> None:
    rollout.report("p1")
    assert rollout.driver.repeat() == []
    rollout.version(1)
    assert rollout.driver.repeat() == []
    rollout.driver.restart()
    assert rollout.driver.repeat() == []
    assert rollout.report("p1", status=DeviceStatus.INSTALLED, version=1) == []


def test_after_a_restart_known_devices_are_still_known(rollout: Rollout) -> None:
    rollout.report("p1")
    rollout.driver.restart()
    assert rollout.version(1) == [("default/pumps/p1", 1)]


def test_a_refusal_is_not_answered_with_the_same_version(rollout: Rollout) -> None:
    rollout.report("p1")
    rollout.version(1)
    refused = {"status": DeviceStatus.REFUSED, "refused_version": 1, "reason": "SIGNATURE"}
    assert rollout.report("p1", **refused) == []
    assert rollout.report("p1", **refused) == []
    assert rollout.version(2) == [("default/pumps/p1", 2)]


def test_an_older_version_than_the_current_one_changes_nothing(rollout: Rollout) -> None:
    rollout.version(2)
    assert rollout.version(1) == []
    assert rollout.report("p1") == [("default/pumps/p1", 2)]


def test_a_refused_candidate_is_passed_over(rollout: Rollout) -> None:
    rollout.report("p1")
    assert rollout.driver.send(topics.MODEL_EVENTS, CandidateRefused(tenant="default", stream="pumps"), "default/pumps") == []
    assert rollout.driver.dead == []


@pytest.mark.parametrize("names", [{"device_id": ""}, {"device_id": "a/b"}, {"stream": ""}, {"tenant": "a/b"}])
def test_a_report_without_a_proper_name_is_invalid(rollout: Rollout, names: dict[str, str]) -> None:
    report = DeviceReport(**{"tenant": "default", "stream": "pumps", "device_id": "p1", **names})
    assert rollout.driver.send(topics.FLEET_REPORTED, report) == []
    assert [dead.reason for dead in rollout.driver.dead] == ["IMPOSSIBLE"]


@pytest.mark.parametrize(
    "said",
    [{"boot_epoch": 2**63 - 1}, {"boot_epoch": -1}, {"version": -1}, {"adapter": -2}, {"refused_adapter": 2**60}, {"device_id": "x" * 201}],
    ids=str,
)
def test_a_report_of_what_cannot_be_makes_no_device_known(rollout: Rollout, said: dict[str, Any]) -> None:
    rollout.version(1)
    report = DeviceReport(**{"tenant": "default", "stream": "pumps", "device_id": "p1", **said})
    assert rollout.driver.send(topics.FLEET_REPORTED, report) == []
    assert [dead.reason for dead in rollout.driver.dead] == ["IMPOSSIBLE"]
    assert not [key for key in rollout.driver.stored if key.endswith("/p1")]


def junk(rollout: Rollout, assigned: Assignment, form: str) -> None:
    """Put something over a device's assignment, as whoever may write the topic can."""
    broker, topic, key = rollout.driver.broker, topics.ROLLOUT_ASSIGNMENTS, "default/pumps/p1"
    if form == "another event":
        broker.publisher("stranger").publish(topic, key, replace(assigned, version=9, file=replace(assigned.file, offset=-2)))
    else:
        broker.produce(OutputRecord(topic.name, key.encode(), None if form == "tombstone" else b"rubbish", [], None))


@pytest.mark.parametrize("form", ["another event", "tombstone", "rubbish"])
def test_an_assignment_that_somebody_put_something_over_is_written_again_when_the_device_is_heard(rollout: Rollout, form: str) -> None:
    rollout.version(1)
    rollout.report("p1")
    assigned: Any = rollout.driver.sent[-1]
    assert rollout.report("p1", status=DeviceStatus.INSTALLED, version=1) == []
    junk(rollout, assigned.event, form)
    # Its disk may be lost or not: what it says of versions is not asked, as anybody may have said it.
    assert rollout.report("p1", status=DeviceStatus.INSTALLED, version=1) == [("default/pumps/p1", 1)]
    assert rollout.driver.sent[-1] == assigned
    assert rollout.report("p1", boot_epoch=2) == []
    assert rollout.driver.repeat() == []


def test_an_assignment_whose_commit_is_not_visible_yet_is_not_written_again(rollout: Rollout) -> None:
    rollout.version(1)
    rollout.assigned.markers_late = True  # Kafka confirms a commit before its markers are in the partitions
    assert rollout.report("p1") == [("default/pumps/p1", 1)]
    assigned: Any = rollout.driver.sent[-1]
    assert rollout.report("p1", boot_epoch=2) == []
    junk(rollout, assigned.event, "another event")
    rollout.assigned.markers_late = False
    assert rollout.report("p1", boot_epoch=3) == [("default/pumps/p1", 1)]


def test_of_several_reports_in_one_transaction_one_is_answered(rollout: Rollout) -> None:
    rollout.version(1)
    rollout.report("p1")
    assigned: Any = rollout.driver.sent[-1]
    junk(rollout, assigned.event, "another event")
    reports = [
        rollout.driver.receive(topics.FLEET_REPORTED, DeviceReport(tenant="default", stream="pumps", device_id="p1", boot_epoch=n))
        for n in (1, 2)
    ]
    assert len(rollout.driver.transaction(reports)) == 1


def test_a_version_for_thousands_of_devices_writes_one_record_of_state(rollout: Rollout) -> None:
    for number in range(2000):
        rollout.driver.state.put(f"default/pumps/p{number}", RolloutState())
    rollout.driver.state.drain()
    assert len(rollout.version(1)) == 2000
    assert [key for key in rollout.driver.stored if key.startswith("RolloutState")] == ["RolloutState/default/pumps"]


def test_a_report_that_another_signed_makes_no_device_known(rollout: Rollout) -> None:
    fleet = rollout.enrolled()
    own, other = fleet.enrol("p1"), fleet.enrol("p2")
    rollout.version(1)
    for signer, reason in ((None, "UNSIGNED"), (other, "UNKNOWN_KEY"), (fleet.signer("stranger"), "UNKNOWN_KEY")):
        rollout.signer = signer
        assert rollout.report("p1", boot_epoch=1, number=1) == []
        assert rollout.driver.dead[-1].reason == reason
    rollout.signer = own
    assert rollout.report("p1", boot_epoch=1, number=1) == [("default/pumps/p1", 1)]


def test_a_copied_report_changes_nothing_and_a_new_disk_begins_anew(rollout: Rollout) -> None:
    fleet = rollout.enrolled()
    rollout.signer = fleet.enrol("p1")
    rollout.version(1)
    numbers = [(1, 1), (1, 2), (1, 1), (1, 2), (1, 5), (2, 1), (1, 9), (2, 2)]
    newest: list[tuple[int, int]] = []
    for epoch, number in numbers:
        rollout.report("p1", boot_epoch=epoch, number=number)
        kept = rollout.driver.state.get(RolloutState, DeviceKey("default", "pumps", "p1"))
        assert kept is not None
        assert kept.device is not None
        newest.append((kept.device.boot_epoch, kept.device.report))
    assert newest == [(1, 1), (1, 2), (1, 2), (1, 2), (1, 5), (2, 1), (2, 1), (2, 2)]
    assert rollout.driver.dead == []
