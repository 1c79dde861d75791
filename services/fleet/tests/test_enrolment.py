"""Enrolment of devices: commands, tokens, keys; each refusal leaves the old state in force."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_contracts import (
    Admission,
    CommandAccepted,
    Device,
    DeviceAction,
    Enrolment,
    EnrolmentMode,
    EnrolmentRefused,
    Health,
    Vitals,
    topics,
)
from edgeloop_fleet.core.members import ROTATION_MS
from edgeloop_fleet.core.tokens import KEPT_MS
from edgeloop_signing.enrolment import Token, public_key_id

START = 1_000_000


def public_key(number: int) -> bytes:
    return Token.of(number.to_bytes(32, "big")).public_key


K1, K2, K3 = (public_key(number) for number in (1, 2, 3))
TOKEN, OTHER = Token.of(bytes(range(32))), Token.of(bytes(range(1, 33)))


def test_a_command_enrols_a_device_and_says_who_and_why(fleet: Any) -> None:
    answer = fleet.enrol("p1", K1, device_group="north", labels={"site": "a"})
    assert (type(answer), answer.command_id, answer.who) == (CommandAccepted, "c1", "ann")
    device: Any = fleet.device("p1")
    assert (device.enrolment, device.device_group, device.labels, device.who, device.why) == (
        Enrolment.ENROLLED,
        "north",
        {"site": "a"},
        "ann",
        "new",
    )
    assert [(key.public_key, key.key_id, key.since, key.until) for key in device.keys] == [(K1, public_key_id(K1), START, None)]
    assert [send.event for send in fleet.driver.sent if send.topic is topics.FLEET_DEVICES] == [device]


def test_a_command_applied_twice_changes_nothing(fleet: Any) -> None:
    fleet.enrol("p1", K1)
    before = dict(fleet.driver.stored)
    assert fleet.driver.repeat() == []
    fleet.driver.restart()
    assert fleet.driver.repeat() == []
    assert fleet.enrol("p1", K2, EnrolmentMode.REPLACE, command_id="c1") is None  # the same id, whatever it says
    kept = {key: value for key, value in fleet.driver.stored.items() if not key.startswith("Checkpoint")}
    assert {key: value for key, value in before.items() if key in kept} == kept


def test_a_rotated_key_counts_for_another_day_and_a_replaced_one_ends(fleet: Any) -> None:
    fleet.enrol("p1", K1)
    fleet.wait(60)
    fleet.enrol("p1", K2, EnrolmentMode.ROTATE)
    device: Any = fleet.device("p1")
    assert [(key.public_key, key.until) for key in device.keys] == [(K1, fleet.now + ROTATION_MS), (K2, None)]
    fleet.wait(60)
    fleet.enrol("p1", K3, EnrolmentMode.REPLACE)
    device = fleet.device("p1")
    assert [key.until for key in device.keys] == [fleet.now, fleet.now, None]


def test_a_device_keeps_its_eight_newest_keys(fleet: Any) -> None:
    fleet.enrol("p1", public_key(1))
    for number in range(2, 12):
        fleet.enrol("p1", public_key(number), EnrolmentMode.ROTATE)
    device: Any = fleet.device("p1")
    assert [key.public_key for key in device.keys] == [public_key(number) for number in range(4, 12)]


def refused(fleet: Any, answer: Any, reason: str) -> None:
    assert isinstance(answer, EnrolmentRefused)
    assert answer.reason == reason
    assert answer.message
    assert fleet.dead == []


@pytest.mark.parametrize(("key", "why"), [(b"", "32 bytes"), (b"short", "32 bytes"), (bytes(33), "32 bytes"), (bytes(32), "anybody")])
def test_what_is_no_key_is_refused(fleet: Any, key: bytes, why: str) -> None:
    answer = fleet.enrol("p1", key)
    refused(fleet, answer, "BAD_KEY")
    assert why in answer.message
    assert fleet.device("p1") is None


def test_a_device_is_enrolled_once_and_a_key_belongs_to_one_device(fleet: Any) -> None:
    fleet.enrol("p1", K1)
    before = fleet.device("p1")
    refused(fleet, fleet.enrol("p1", K2), "ENROLLED_ALREADY")
    refused(fleet, fleet.enrol("p2", K1), "KEY_IN_USE")
    refused(fleet, fleet.enrol("p1", K1, EnrolmentMode.REPLACE), "BAD_KEY")
    refused(fleet, fleet.enrol("p2", K2, EnrolmentMode.ROTATE), "NOT_ENROLLED")
    assert fleet.device("p1") == before
    assert fleet.device("p2") is None
    assert not isinstance(fleet.enrol("p2", K1, tenant="other"), EnrolmentRefused)  # another owner's devices are others


@pytest.mark.parametrize(
    "fields",
    [{"device_id": ""}, {"device_id": "a/b"}, {"device_group": "a/b"}, {"labels": {"": "x"}}, {"labels": {"a=b": "x"}}],
    ids=str,
)
def test_names_that_cannot_be_are_refused(fleet: Any, fields: dict[str, Any]) -> None:
    refused(fleet, fleet.enrol(**{"name": "p1", "key": K1, **fields}), "IMPOSSIBLE")


@pytest.mark.parametrize("fields", [{"tenant": ""}, {"tenant": "a/b"}, {"command_id": ""}, {"command_id": "x" * 251}], ids=str)
def test_a_command_that_cannot_be_answered_is_a_dead_letter(fleet: Any, fields: dict[str, str]) -> None:
    assert fleet.enrol("p1", K1, **fields) is None
    assert fleet.dead == ["IMPOSSIBLE"]


@pytest.mark.parametrize(("action", "reason"), [(DeviceAction.REVOKE, "REVOKED"), (DeviceAction.RETIRE, "RETIRED")])
def test_a_revoked_or_retired_device_comes_back_with_a_new_key_alone(fleet: Any, action: DeviceAction, reason: str) -> None:
    fleet.enrol("p1", K1)
    fleet.beat("p1")
    fleet.wait(5)
    fleet.change("p1", action, why="stolen")
    device: Any = fleet.device("p1")
    assert (device.enrolment.value, device.why, device.keys[0].until) == (reason, "stolen", fleet.now)
    assert fleet.health("p1") is None
    told = [send.event.health for send in fleet.driver.sent if send.topic is topics.FLEET_HEALTH]
    assert told == [Health.ONLINE, Health.UNHEARD]
    fleet.beat("p1")
    assert fleet.dead == [reason]
    fleet.driver.dead.clear()
    refused(fleet, fleet.enrol("p1", K2), reason)
    fleet.change("p1", DeviceAction.READMIT)
    refused(fleet, fleet.enrol("p1", K1), "BAD_KEY")
    assert isinstance(fleet.enrol("p1", K2), CommandAccepted)
    assert fleet.device("p1").enrolment is Enrolment.ENROLLED


def test_labels_change_one_by_one(fleet: Any) -> None:
    fleet.enrol("p1", K1, device_group="north", labels={"site": "a", "hw": "pi"})
    fleet.change("p1", DeviceAction.LABEL, labels={"site": "b", "hw": "", "floor": "2"})
    device: Any = fleet.device("p1")
    assert (device.device_group, device.labels) == ("north", {"site": "b", "floor": "2"})
    fleet.change("p1", DeviceAction.LABEL, device_group="")
    assert fleet.device("p1").device_group == ""
    refused(fleet, fleet.change("p9", DeviceAction.LABEL, labels={"site": "a"}), "UNKNOWN_DEVICE")
    refused(fleet, fleet.change("p1", DeviceAction.READMIT), "IMPOSSIBLE")


def test_a_device_of_an_open_tenant_is_forgotten_and_met_again(fleet: Any) -> None:
    fleet.beat("p1")
    assert isinstance(fleet.change("p1", DeviceAction.FORGET), CommandAccepted)
    assert fleet.device("p1") is None
    assert fleet.health("p1") is None
    assert isinstance(fleet.beat("p1", "i2")[0], Device)
    fleet.enrol("p1", K1)
    refused(fleet, fleet.change("p1", DeviceAction.FORGET), "IMPOSSIBLE")


def test_a_token_enrols_as_many_devices_as_it_may(fleet: Any) -> None:
    fleet.token(TOKEN, uses=2, device_group="north", labels={"site": "a"})
    (device,) = fleet.request(TOKEN, "p1", K1)
    assert (device.enrolment, device.device_group, device.labels, device.who, device.keys[-1].public_key) == (
        Enrolment.ENROLLED,
        "north",
        {"site": "a"},
        "",
        K1,
    )
    assert fleet.request(TOKEN, "p1", K1) == [device]  # a repeat uses up nothing
    assert fleet.known_token(TOKEN).uses == 1
    fleet.request(TOKEN, "p2", K2)
    (answer,) = fleet.request(TOKEN, "p3", K3)
    refused(fleet, answer, "USED_TOKEN")
    assert (answer.device_id, answer.key_id, answer.command_id) == ("p3", public_key_id(K3), "")
    assert fleet.device("p3") is None


def test_a_request_is_refused_with_its_reason(fleet: Any) -> None:
    fleet.token(TOKEN, uses=9, lasts_s=60)
    fleet.enrol("old", K2)

    def reason(token: Token, name: str, key: bytes, **fields: Any) -> str:
        (answer,) = fleet.request(token, name, key, **fields)
        return answer.reason

    assert reason(OTHER, "p1", K1) == "UNKNOWN_TOKEN"
    assert reason(TOKEN, "p1", K1, proof=b"") == "BAD_PROOF"
    assert reason(TOKEN, "p1", K1, proof=TOKEN.proof("default", "p2", K1)) == "BAD_PROOF"
    assert reason(TOKEN, "p1", K1, proof=OTHER.proof("default", "p1", K1)) == "BAD_PROOF"
    assert reason(TOKEN, "p1", b"short") == "BAD_KEY"
    assert reason(TOKEN, "p1", K2) == "KEY_IN_USE"
    assert reason(TOKEN, "old", K1) == "ENROLLED_ALREADY"
    fleet.wait(60)
    assert reason(TOKEN, "p1", K1) == "EXPIRED_TOKEN"
    assert fleet.device("p1") is None
    assert fleet.known_token(TOKEN).uses == 9
    assert fleet.dead == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"uses": 0}, "IMPOSSIBLE"),
        ({"uses": 2**31 - 1}, "IMPOSSIBLE"),
        ({"lasts_s": 0}, "IMPOSSIBLE"),
        ({"lasts_s": 10**9}, "IMPOSSIBLE"),
        ({"public_key": b"x"}, "BAD_KEY"),
        ({"token_id": "other"}, "BAD_KEY"),
    ],
    ids=str,
)
def test_a_token_that_cannot_be_is_refused(fleet: Any, fields: dict[str, Any], reason: str) -> None:
    refused(fleet, fleet.token(TOKEN, **fields), reason)
    assert fleet.known_token(TOKEN) is None


def test_a_token_is_issued_once_and_forgotten_long_after_its_end(fleet: Any) -> None:
    fleet.token(TOKEN)
    refused(fleet, fleet.token(TOKEN, uses=9), "IMPOSSIBLE")
    fleet.wait(3600 + KEPT_MS / 1000)
    fleet.tick()
    assert fleet.known_token(TOKEN) is not None
    fleet.wait(3600)
    fleet.tick()
    assert fleet.known_token(TOKEN) is None


def test_a_restart_in_mid_stream_forgets_nothing(fleet: Any) -> None:
    fleet.token(TOKEN, uses=1)
    fleet.enrol("p1", K1)
    fleet.driver.restart()
    refused(fleet, fleet.enrol("p2", K1), "KEY_IN_USE")
    fleet.request(TOKEN, "p2", K2)
    fleet.driver.restart()
    (answer,) = fleet.request(TOKEN, "p3", K3)
    refused(fleet, answer, "USED_TOKEN")


def test_a_tenant_that_admits_enrolled_devices_alone_meets_nobody(fleet: Any) -> None:
    fleet.beat("old")
    fleet.admission(Admission.ENROLLED)
    assert fleet.beat("p1") == []
    assert fleet.report("p2") == []
    assert fleet.beat("old") == []
    assert fleet.dead == ["NOT_ENROLLED"] * 3
    fleet.admission(Admission.OPEN)
    assert fleet.beat("p2")


def test_a_tenant_that_admits_enrolled_devices_alone_takes_what_the_device_signed(fleet: Any) -> None:
    old, new, other = (Token.of(bytes([number] * 32)) for number in (1, 2, 3))
    fleet.enrol("p1", old.public_key)
    fleet.enrol("p2", other.public_key)
    fleet.admission(Admission.ENROLLED)
    (health,) = fleet.signed("p1", 0, old)
    assert health.device_id == "p1"
    fleet.beat("p1")
    fleet.signed("p1", 1, other)  # another device in its name
    fleet.signed("p2", 1, old, device_id="p1")  # recorded and sent on in another name
    fleet.signed("p1", 1, old, tenant="default", vitals=Vitals(instance="i1", seq=9))  # changed on its way
    assert fleet.dead == ["UNSIGNED", "UNKNOWN_KEY", "BAD_SIGNATURE", "BAD_SIGNATURE"]
    fleet.driver.dead.clear()
    fleet.enrol("p1", new.public_key, EnrolmentMode.ROTATE)
    fleet.signed("p1", 2, old)
    fleet.signed("p1", 3, new)
    assert fleet.dead == []
    fleet.wait(ROTATION_MS / 1000)
    fleet.signed("p1", 4, old)
    assert fleet.dead == ["REVOKED"]
    fleet.driver.restart()
    fleet.signed("p1", 5, new)
    assert fleet.dead == ["REVOKED"]


def test_a_report_makes_a_device_known_once(fleet: Any) -> None:
    (device,) = fleet.report("p1")
    assert (device.device_id, device.enrolment) == ("p1", Enrolment.OPEN)
    assert fleet.report("p1") == []
    assert fleet.health("p1") is None
    fleet.report("p2", boot_epoch=-1)
    assert fleet.dead == ["IMPOSSIBLE"]
