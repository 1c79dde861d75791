"""Configurations: versions rise, and what cannot be is refused while the old one holds."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_contracts import Admission, CommandAccepted, ConfigScope, DeviceConfig, FleetConfig, FleetPolicy, topics


def test_versions_rise_over_all_scopes(fleet: Any) -> None:
    fleet.beat("p1")
    fleet.config(sampling=0.5)
    fleet.config(ConfigScope.GROUP, "north", heartbeat_s=5.0)  # no device is there yet
    fleet.driver.restart()
    fleet.config(ConfigScope.DEVICE, "p1", log_level="DEBUG")
    fleet.config(sampling=0.25)
    assert {key: config.version for key, config in fleet.configs().items()} == {
        "default/tenant/": 4,
        "default/group/north": 2,
        "default/device/p1": 3,
    }
    sent = [(send.key, send.event) for send in fleet.driver.sent if send.topic is topics.FLEET_CONFIG]
    assert sent[-1] == (
        "default/tenant/",
        FleetConfig(tenant="default", version=4, config=DeviceConfig(sampling=0.25), who="ann"),
    )


def test_a_configuration_is_withdrawn_once(fleet: Any) -> None:
    fleet.config(sampling=0.5)
    assert isinstance(fleet.config(withdrawn=True, sampling=0.1), CommandAccepted)
    config = fleet.configs()["default/tenant/"]
    assert (config.version, config.withdrawn, config.config) == (2, True, DeviceConfig())
    assert fleet.config(withdrawn=True).reason == "IMPOSSIBLE"
    assert fleet.config(ConfigScope.GROUP, "south", withdrawn=True).reason == "IMPOSSIBLE"


@pytest.mark.parametrize(
    "fields",
    [
        {"sampling": 0.0},
        {"sampling": 1.1},
        {"sampling": float("nan")},
        {"outbox_rows": 0},
        {"outbox_bytes": 1},
        {"heartbeat_s": 0.5},
        {"heartbeat_s": 3_601.0},
        {"heartbeat_s": 16.0},
        {"bandwidth": 1},
        {"log_level": "LOUD"},
        {"streams": ()},
        {"streams": ("a", "a")},
        {"streams": ("a/b",)},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_and_the_old_configuration_holds(fleet: Any, fields: dict[str, Any]) -> None:
    fleet.config(sampling=0.5)
    before = fleet.configs()
    answer = fleet.config(**fields)
    assert answer.reason == "IMPOSSIBLE"
    assert next(iter(fields)) in answer.message
    assert fleet.configs() == before
    assert fleet.dead == []


def test_a_configuration_of_another_schema_version_is_refused(fleet: Any) -> None:
    assert fleet.config(sampling=0.5, schema_version=2).reason == "UNKNOWN_SCHEMA_VERSION"
    assert fleet.configs() == {}


def test_a_scope_names_something(fleet: Any) -> None:
    assert fleet.config(ConfigScope.TENANT, "north").reason == "IMPOSSIBLE"
    assert fleet.config(ConfigScope.GROUP, "").reason == "IMPOSSIBLE"
    assert fleet.config(ConfigScope.DEVICE, "p1").reason == "UNKNOWN_DEVICE"


def test_heartbeats_fit_into_the_time_after_which_a_device_is_late(fleet: Any) -> None:
    assert "30 s" in fleet.config(heartbeat_s=60.0).message
    fleet.admission(Admission.OPEN, late_s=120.0)
    assert isinstance(fleet.config(heartbeat_s=60.0), CommandAccepted)
    assert fleet.admission(Admission.OPEN, late_s=100.0).reason == "IMPOSSIBLE"
    assert fleet.driver.state.get(FleetPolicy, "default").late_s == 120.0


def test_a_configuration_applied_twice_is_one(fleet: Any) -> None:
    fleet.config(sampling=0.5)
    assert fleet.driver.repeat() == []
    assert fleet.configs()["default/tenant/"].version == 1
