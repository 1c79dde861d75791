"""Impossible records about a device: it ignores and counts them, and goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from edgeloop_contracts import DeviceReport, DeviceStatus, topics
from edgeloop_contracts.plausibility import MOST_EPOCHS

KEY = "acme/pumps/p1"


def forge(bench: Any, key: str = KEY, **said: Any) -> None:
    fields = {"tenant": "acme", "stream": "pumps", "device_id": "p1", **said}
    bench.kafka.append(topics.FLEET_REPORTED, key, DeviceReport(**fields))


def online(bench: Any) -> Any:
    return bench.eventually(lambda: next((r for r in bench.kafka.reports if r.status is DeviceStatus.ONLINE and r.message == ""), None))


@pytest.mark.parametrize("epoch", [2**63 - 1, 2**40, MOST_EPOCHS + 1, -1, -(2**63)])
def test_a_device_with_a_new_disk_passes_over_a_report_that_it_cannot_have_made(bench: Any, epoch: int) -> None:
    forge(bench, boot_epoch=4, message="before")
    forge(bench, boot_epoch=epoch, message="forged")
    bench.device()
    assert online(bench).boot_epoch == 5
    assert bench.metric("edgeloop_inference_impossible_records_total", what="report") == 1
    assert not bench.metric("edgeloop_inference_background_failures_total", job="installer")
    bench.kafka.define()
    bench.assign(1)
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream="pumps") == 1)


def test_a_report_under_another_key_does_not_outlive_what_the_device_says(bench: Any) -> None:
    forge(bench, boot_epoch=4, message="before")
    forge(bench, key="x/y/z", boot_epoch=900_000, message="forged")
    bench.device()
    assert online(bench).boot_epoch == 5


def test_the_last_epoch_of_all_is_no_error(bench: Any) -> None:
    forge(bench, boot_epoch=MOST_EPOCHS, message="forged")
    bench.device()
    assert online(bench).boot_epoch == MOST_EPOCHS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"partition": 10**9}, "MISSING"),
        ({"partition": -1}, "file.partition: expected 0 or more"),
        ({"offset": -2}, "file.offset: expected 0 or more"),
        ({"chunks": 0}, "file.chunks: expected 1 to"),
        ({"chunks": 2**31 - 1}, "file.chunks: expected 1 to"),
        ({"size": -1}, "file.size: expected 1 byte or more"),
        ({"version": -7}, "version: expected 1 or more"),
        ({"digest": "x" * 100_000}, "file.digest: expected 64"),
    ],
    ids=str,
)
def test_an_assignment_that_cannot_be_is_refused_and_the_next_one_is_taken(bench: Any, change: dict[str, Any], message: str) -> None:
    bench.kafka.define()
    bench.device()
    good = bench.registry.assignment(bench.model(0), 1)
    changed = replace(good, **change) if "version" in change else replace(good, file=replace(good.file, **change))
    bench.kafka.assign(changed)
    report = bench.eventually(lambda: next((r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED), None))
    if message == "MISSING":
        assert report.reason == message
    else:
        assert report.reason == "IMPOSSIBLE"
        assert report.message.startswith(message)
        assert len(report.message) < 1_000
        assert bench.metric("edgeloop_inference_impossible_records_total", what="assignment") == 1
    assert report.refused_version == (None if "version" in change else 1)
    assert not bench.metric("edgeloop_inference_background_failures_total", job="installer")
    bench.kafka.assign(good, bench.model(0))
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream="pumps") == 1)


def test_an_assignment_of_a_stream_that_has_no_name_is_counted_and_nothing_is_said_of_it(bench: Any) -> None:
    bench.device(streams="")
    bench.kafka.define()
    model = bench.model(0)
    for name in ("", "a/b", "x" * 10_000):
        bench.kafka.assign(replace(bench.registry.assignment(model, 1), stream=name))
    bench.assign(1)
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream="pumps") == 1)
    assert bench.metric("edgeloop_inference_impossible_records_total", what="assignment") == 3
    assert {report.stream for report in bench.kafka.reports} == {"pumps"}
