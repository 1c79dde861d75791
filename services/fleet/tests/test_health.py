"""Health of devices: online, late, lost; restarts, twins and repeats; and the time by which it is judged."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_contracts import (
    Admission,
    Device,
    DeviceHealth,
    EnrolmentMode,
    EnrolmentRefused,
    Health,
    Heartbeat,
    MemberProcesses,
    ServedStream,
    Vitals,
    topics,
)
from edgeloop_fleet.core.processes import TWINS_MS
from edgeloop_signing.enrolment import Token


def states(fleet: Any, *names: str) -> list[str]:
    return [health.health.value if (health := fleet.health(name)) else "-" for name in names]


def test_a_device_is_met_by_its_first_heartbeat(fleet: Any) -> None:
    device, health = fleet.beat("p1", outbox_rows=7)
    assert isinstance(device, Device)
    assert isinstance(health, DeviceHealth)
    assert (health.health, health.since, health.heard, health.twins) == (Health.ONLINE, fleet.now, fleet.now, ())
    assert health.vitals is not None
    assert health.vitals.outbox_rows == 7


def test_a_silent_device_becomes_late_and_lost_and_comes_back(fleet: Any) -> None:
    fleet.beat("p1")
    began = fleet.now
    fleet.wait(30)
    assert fleet.tick() == []
    fleet.wait(1)
    (late,) = fleet.tick()
    assert (late.health, late.since, late.heard) == (Health.LATE, fleet.now, began)
    assert fleet.tick() == []
    fleet.wait(600)
    (lost,) = fleet.tick()
    assert (lost.health, lost.heard) == (Health.LOST, began)
    (back,) = fleet.beat("p1")
    assert (back.health, back.since) == (Health.ONLINE, fleet.now)


def test_a_fleet_that_is_silent_as_a_whole_becomes_late_and_lost(fleet: Any) -> None:
    names = [f"p{number}" for number in range(20)]
    for name in names:
        fleet.beat(name)
    fleet.wait(31)
    assert len(fleet.tick()) == 20
    fleet.wait(600)
    assert len(fleet.tick()) == 20
    assert set(states(fleet, *names)) == {"LOST"}


def test_who_catches_up_after_a_long_stop_judges_nobody_who_was_heard(fleet: Any) -> None:
    fleet.beat("p1")
    for _ in range(100):  # nobody handled these while they came
        fleet.wait(10)
        fleet.beat("p1")
    fleet.driver.restart()
    assert fleet.tick() == []
    assert states(fleet, "p1") == ["ONLINE"]


def test_the_policy_says_when_a_device_is_late(fleet: Any) -> None:
    fleet.admission(Admission.OPEN, late_s=120.0, lost_s=240.0)
    fleet.beat("p1")
    fleet.wait(120)
    fleet.tick()
    assert states(fleet, "p1") == ["ONLINE"]
    fleet.wait(121)
    fleet.tick()
    assert states(fleet, "p1") == ["LOST"]


@pytest.mark.parametrize(("late", "lost"), [(0.0, 10.0), (30.0, 29.0), (float("nan"), 1.0), (30.0, float("inf"))])
def test_a_policy_that_cannot_be_is_refused(fleet: Any, late: float, lost: float) -> None:
    assert fleet.admission(Admission.ENROLLED, late_s=late, lost_s=lost).reason == "IMPOSSIBLE"
    assert fleet.beat("p1")  # still open


def test_a_record_is_written_at_changes_and_otherwise_once_a_minute(fleet: Any) -> None:
    written = 0
    for number in range(61):  # ten minutes
        written += sum(isinstance(event, DeviceHealth) for event in fleet.beat("p1", outbox_rows=number))
        fleet.wait(10)
    assert written == 11
    (changed,) = fleet.beat("p1", streams=(ServedStream(stream="pumps", version=2),))
    assert changed.vitals.streams[0].version == 2
    assert fleet.beat("p1", streams=(ServedStream(stream="pumps", version=2, requests=9),)) == []
    assert len(fleet.beat("p1", streams=(ServedStream(stream="pumps", version=2),), config_version=3)) == 1


def test_a_clock_of_a_device_decides_nothing(fleet: Any) -> None:
    fleet.beat("p1", sent_at=2**62, clock_offset_ms=1e15)
    fleet.beat("p2", sent_at=-(2**62))
    fleet.wait(31)
    fleet.tick()
    assert states(fleet, "p1", "p2") == ["LATE", "LATE"]
    fleet.beat("p1", sent_at=0)
    assert states(fleet, "p1") == ["ONLINE"]
    assert fleet.dead == []


def test_a_restart_is_no_twin(fleet: Any) -> None:
    for instance in ("i1", "i2", "i3"):
        for _ in range(3):
            fleet.beat("p1", instance)
            fleet.wait(10)
    assert fleet.health("p1").twins == ()


def test_two_processes_of_one_name_are_twins_and_are_named(fleet: Any) -> None:
    fleet.beat("p1", "i1")
    fleet.beat("p1", "i2")
    (record,) = fleet.beat("p1", "i1")
    assert record.twins == ("i1@host-i1", "i2@host-i2")
    fleet.driver.restart()
    fleet.wait(10)
    fleet.beat("p1", "i2")
    assert fleet.health("p1").twins == record.twins
    for _ in range(TWINS_MS // 10_000 + 2):  # one of them is switched off
        fleet.wait(10)
        fleet.beat("p1", "i2")
    assert fleet.health("p1").twins == ()


def test_a_replaced_device_has_no_twin(fleet: Any) -> None:
    fleet.enrol("p1", Token.of(bytes(32)).public_key)
    fleet.beat("p1", "i1")
    fleet.beat("p1", "i2")
    fleet.beat("p1", "i1")
    fleet.enrol("p1", Token.of(bytes([9] * 32)).public_key, EnrolmentMode.REPLACE)
    assert fleet.health("p1") is None
    (record,) = fleet.beat("p1", "i3")
    assert record.twins == ()


def test_a_repeated_heartbeat_is_a_dead_letter_and_keeps_nobody_alive(fleet: Any) -> None:
    fleet.beat("p1", "i1")
    fleet.beat("p1", "i1")
    fleet.beat("p1", "i2")
    fleet.wait(31)
    fleet.beat("p1", "i1", seq=1)  # of the former process, recorded and sent again
    fleet.beat("p1", "i2", seq=0)
    assert fleet.dead == ["REPLAYED", "REPLAYED"]
    fleet.tick()
    assert states(fleet, "p1") == ["LATE"]
    assert fleet.health("p1").twins == ()


def test_heartbeats_applied_twice_change_nothing(fleet: Any) -> None:
    fleet.beat("p1")
    before = fleet.driver.state.get(MemberProcesses, "default/p1")
    assert fleet.driver.repeat() == []
    assert fleet.driver.state.get(MemberProcesses, "default/p1") == before
    fleet.wait(31)
    fleet.tick()
    assert fleet.driver.repeat() == []


def test_a_restart_in_mid_stream_judges_as_before(fleet: Any) -> None:
    fleet.beat("p1")
    fleet.wait(20)
    fleet.beat("p2")
    fleet.driver.restart()
    fleet.wait(15)
    assert [record.device_id for record in fleet.tick()] == ["p1"]
    fleet.driver.restart()
    fleet.wait(600)
    assert [(record.device_id, record.health.value) for record in fleet.tick()] == [("p2", "LOST"), ("p1", "LOST")]


@pytest.mark.parametrize(
    "fields",
    [{"instance": ""}, {"instance": "x" * 65}, {"seq": -1}, {"boot_epoch": -1}, {"host": "h" * 254}, {"config_version": -1}],
    ids=str,
)
def test_a_heartbeat_that_cannot_be_is_a_dead_letter(fleet: Any, fields: dict[str, Any]) -> None:
    assert fleet.beat("p1", **fields) == []
    assert fleet.dead == ["IMPOSSIBLE"]
    assert fleet.device("p1") is None


def test_the_fleet_is_shown_in_metrics(fleet: Any) -> None:
    fleet.beat("p1")
    fleet.beat("p2")
    fleet.wait(31)
    fleet.beat("p2")
    fleet.tick()
    fleet.enrol("p3", b"")

    def shown(name: str, **labels: str) -> float | None:
        return fleet.registry.get_sample_value(name, labels)

    assert shown("edgeloop_fleet_devices", tenant="default", health="ONLINE") == 1
    assert shown("edgeloop_fleet_devices", tenant="default", health="LATE") == 1
    assert shown("edgeloop_fleet_heartbeats_total") == 3
    assert shown("edgeloop_fleet_refused_total", reason="BAD_KEY") == 1
    assert isinstance(fleet.enrol("p3", b""), EnrolmentRefused)


def test_a_heartbeat_under_another_devices_key_is_a_dead_letter(fleet: Any) -> None:
    event = Heartbeat(tenant="default", device_id="p1", vitals=Vitals(instance="i1"))
    assert fleet.driver.send(topics.FLEET_HEARTBEATS, event, "default/p2", timestamp=fleet.now) == []
    assert fleet.dead == ["FOREIGN_KEY"]
