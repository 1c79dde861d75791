"""The configuration that a device runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from edgeloop_contracts import ConfigScope, DeviceConfig, FleetConfig
from edgeloop_inference.core.bandwidth import Bandwidth
from edgeloop_inference.core.configuration import Configurations, Running, fault, resolve
from edgeloop_inference.core.error_log import EVERY_MS, MOST, ErrorLog, fingerprint
from edgeloop_inference.core.latencies import Latencies
from edgeloop_inference.core.sampler import Sampler

OWN = Running(sampling=1.0, outbox_rows=1000, outbox_bytes=1 << 20, streams=(), log_level="INFO", heartbeat_s=10.0)
TENANT, GROUP, DEVICE = ConfigScope.TENANT, ConfigScope.GROUP, ConfigScope.DEVICE


def config(scope: ConfigScope, name: str = "", version: int = 1, *, withdrawn: bool = False, **values: Any) -> FleetConfig:
    return FleetConfig(
        tenant="acme", scope=scope, name=name, version=version, schema_version=1, withdrawn=withdrawn, config=DeviceConfig(**values)
    )


def test_the_nearest_scope_wins_field_by_field() -> None:
    configs = [
        config(TENANT, "", 3, sampling=0.5, log_level="DEBUG", bandwidth=5_000),
        config(GROUP, "hall", 5, sampling=0.25, heartbeat_s=30.0),
        config(DEVICE, "p1", 4, sampling=0.1, streams=("pumps",)),
        config(GROUP, "yard", 9, sampling=0.9),
        config(DEVICE, "p2", 9, sampling=0.9),
        replace(config(TENANT, "", 9, sampling=0.9), tenant="other"),
    ]
    found = resolve(OWN, configs, "acme", "p1", "hall")
    expected = replace(OWN, sampling=0.1, log_level="DEBUG", bandwidth=5_000, heartbeat_s=30.0, streams=("pumps",))
    assert (found.running, found.version) == (expected, 5)


def test_a_device_without_a_group_has_no_groups_configuration() -> None:
    assert resolve(OWN, [config(GROUP, "", 5, sampling=0.5)], "acme", "p1", "").running == OWN


def test_a_withdrawn_configuration_leaves_its_fields_to_the_wider_scopes() -> None:
    configs = [config(TENANT, "", 1, sampling=0.5), config(DEVICE, "p1", 7, withdrawn=True)]
    found = resolve(OWN, configs, "acme", "p1", "")
    assert (found.running.sampling, found.version) == (0.5, 7)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"sampling": 0.0}, "sampling"),
        ({"sampling": 1.5}, "sampling"),
        ({"sampling": float("nan")}, "sampling"),
        ({"outbox_rows": 0}, "outbox_rows"),
        ({"outbox_bytes": 10}, "outbox_bytes"),
        ({"streams": ("a/b",)}, "streams"),
        ({"log_level": "LOUD"}, "log_level"),
        ({"heartbeat_s": 0.1}, "heartbeat_s"),
        ({"heartbeat_s": 4_000.0}, "heartbeat_s"),
        ({"bandwidth": 0}, "bandwidth"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_name(values: dict[str, Any], name: str) -> None:
    assert fault(config(TENANT, **values)).startswith(f"{name}: expected ")


def test_a_refused_configuration_leaves_the_one_before_in_force_and_says_why() -> None:
    configs = Configurations()
    configs.take(config(GROUP, "hall", 1, sampling=0.5))
    configs.take(replace(config(GROUP, "hall", 2, sampling=0.2), schema_version=2))
    found = resolve(OWN, configs.good.values(), "acme", "p1", "hall")
    assert (found.running.sampling, found.version) == (0.5, 1)
    assert configs.refused("p1", "hall") == "version 2 of group hall: schema_version: expected 1, given 2"
    assert configs.refused("p1", "yard") == ""
    configs.take(config(GROUP, "hall", 3, sampling=0.3))
    assert configs.refused("p1", "hall") == ""


def test_sampling_reports_its_share_and_a_smaller_share_reports_part_of_a_larger_one() -> None:
    def kept(share: float) -> set[int]:
        sampler = Sampler(share)
        return {number for number in range(20_000) if sampler.keeps("pumps", ())}

    small, large = kept(0.1), kept(0.3)
    assert small < large
    assert len(small) == pytest.approx(2_000, rel=0.1)
    assert kept(0.1) == small
    assert len(kept(1.0)) == 20_000


def test_rows_with_a_request_id_are_always_reported() -> None:
    sampler = Sampler(0.001)
    assert all(sampler.keeps("pumps", ("a7",)) for _ in range(100))


def test_a_bandwidth_holds_on_average_whatever_the_size_of_records() -> None:
    now = [0.0]
    bandwidth = Bandwidth(lambda: now[0])
    assert bandwidth.allowed() == float("inf")
    bandwidth.limit = 1_000
    sent = 0
    while now[0] < 100:
        if bandwidth.allowed() > 0:
            bandwidth.sent(700)
            sent += 700
        now[0] += 0.05
    assert 99_000 <= sent <= 102_000
    assert bandwidth.wait_s() <= 1


def test_an_error_is_told_at_most_once_a_minute_and_counted_all_the_time() -> None:
    now = [0.0]
    log = ErrorLog("acme", "p1", lambda: now[0])
    log.note("TimeoutError", "sender", "no answer")
    [first] = log.due()
    assert (first.count, first.first_seen, first.kind, first.message) == (1, 0, "TimeoutError", "sender: no answer")
    for _ in range(5):
        now[0] += 5
        log.note("TimeoutError", "sender", "again")
        assert log.due() == []
    now[0] = EVERY_MS / 1000
    [second] = log.due()
    assert (second.fingerprint, second.count, second.first_seen, second.last_seen) == (first.fingerprint, 6, 0, 25_000)
    now[0] += 1_000
    assert log.due() == []


def test_errors_of_one_kind_and_place_have_one_fingerprint_on_all_devices() -> None:
    assert fingerprint("TimeoutError", "sender") == "9004270fc32748af"
    assert fingerprint("TimeoutError", "installer") != fingerprint("TimeoutError", "sender")


def test_an_error_log_forgets_what_was_seen_longest_ago() -> None:
    now = [0.0]
    log = ErrorLog("acme", "p1", lambda: now[0])
    for number in range(2 * MOST):
        now[0] += 1
        log.note(f"Error{number}", "sender", "")
    assert len(log.due()) == MOST


def test_percentiles_are_off_by_at_most_a_fifth() -> None:
    latencies = Latencies()
    assert latencies.percentile(0.5) is None
    for tenths in range(1, 1001):
        latencies.add(tenths / 10)
    for share, exact in ((0.5, 50.0), (0.99, 99.0)):
        found = latencies.percentile(share)
        assert found is not None
        assert exact <= found <= 1.2 * exact
    latencies.add(1e9)
    assert latencies.percentile(1.0) is not None
