"""Who is told what, and that nobody is told twice."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_contracts import Assignment, CandidateRefused, DeviceReport, DeviceStatus, ModelVersion, RolloutState, topics
from edgeloop_rollout.handlers import RolloutTask
from edgeloop_streaming.testing import TaskDriver


class Rollout:
    """A rollout without a broker."""

    def __init__(self) -> None:
        self.driver = TaskDriver("rollout", lambda _partition, state: RolloutTask(state))

    def version(self, number: int, stream: str = "pumps") -> list[tuple[str, int]]:
        version = ModelVersion(
            stream=stream, version=number, digest=f"d{number}", size=9, chunks=1, statement=b"words", signature=b"sign", key_id="k"
        )
        return self._told(self.driver.send(topics.MODEL_EVENTS, version, f"default/{stream}"))

    def report(self, device: str, stream: str = "pumps", **fields: Any) -> list[tuple[str, int]]:
        report = DeviceReport(stream=stream, device_id=device, **fields)
        return self._told(self.driver.send(topics.FLEET_REPORTED, report, f"default/{stream}/{device}"))

    def _told(self, sends: list[Any]) -> list[tuple[str, int]]:
        assert all(send.topic is topics.ROLLOUT_ASSIGNMENTS for send in sends)
        assert all(f"{s.event.tenant}/{s.event.stream}/{s.event.device_id}" == s.key for s in sends)
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
        stream="pumps", device_id="p1", version=2, digest="d2", size=9, chunks=1, statement=b"words", signature=b"sign", key_id="k"
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
    assert rollout.driver.send(topics.MODEL_EVENTS, CandidateRefused(stream="pumps"), "default/pumps") == []
    assert rollout.driver.dead == []


@pytest.mark.parametrize("names", [{"device_id": ""}, {"device_id": "a/b"}, {"stream": ""}, {"tenant": "a/b"}])
def test_a_report_without_a_proper_name_is_invalid(rollout: Rollout, names: dict[str, str]) -> None:
    report = DeviceReport(**{"stream": "pumps", "device_id": "p1", **names})
    assert rollout.driver.send(topics.FLEET_REPORTED, report) == []
    assert [dead.reason for dead in rollout.driver.dead] == ["INVALID_NAME"]


def test_a_version_for_thousands_of_devices_writes_one_record_of_state(rollout: Rollout) -> None:
    for number in range(2000):
        rollout.driver.state.put(f"default/pumps/p{number}", RolloutState())
    rollout.driver.state.drain()
    assert len(rollout.version(1)) == 2000
    assert [key for key in rollout.driver.stored if key.startswith("RolloutState")] == ["RolloutState/default/pumps"]
