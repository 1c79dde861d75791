from dataclasses import replace

import pytest
from edgeloop_cli.core.settlement import Snapshot, behind, expected, settled, snapshot, unsettled
from edgeloop_contracts import Assignment, DeviceReport, DeviceStatus, ModelAdapter
from edgeloop_replay.ledger import Ledger

DONE = Snapshot(
    sent=100,
    observed=100,
    labelled=80,
    joined=80,
    pooled=80,
    ends={("observations.raw", 1): 7, ("observations", 1): 9, ("model.events", 0): 3},
    committed={"ingestion": {("observations.raw", 1): 7}, "labels": {("observations", 1): 12}, "rollout": {("model.events", 0): 3}},
    inputs={"ingestion": ("observations.raw",), "labels": ("observations",), "rollout": ("model.events",)},
)


def test_two_scans_that_show_everything_done_and_nothing_new_are_settled():
    assert settled(DONE, DONE)
    assert unsettled(DONE) == []


def test_a_record_between_two_scans_means_that_something_is_still_on_its_way():
    later = replace(DONE, ends={**DONE.ends, ("drift.partials", 0): 1})
    assert not settled(DONE, later)
    assert settled(later, later)


def test_a_first_scan_that_shows_work_does_not_count():
    assert not settled(replace(DONE, observed=99), DONE)


@pytest.mark.parametrize(
    ("change", "service"),
    [
        ({"observed": 99}, "ingestion"),
        ({"joined": 79}, "labels"),
        ({"pooled": 79}, "drift"),
        ({"open_requests": ("c/0",)}, "trainer"),
        ({"open_candidates": ("c/0",)}, "registry"),
        ({"open_assignments": ("default/s/d (version 2)",)}, "inference"),
        ({"open_adapters": ("default/s/d (adapter 250)",)}, "inference"),
    ],
)
def test_what_is_missing_names_the_service_that_is_behind(change: dict[str, object], service: str):
    now = replace(DONE, **change)
    assert not settled(now, now)
    assert [line.startswith(service) for line in unsettled(now)] == [True]


def test_a_group_that_has_never_committed_is_behind_where_there_are_records():
    now = replace(DONE, committed={**DONE.committed, "rollout": {}})
    assert behind(now) == ["rollout: stands at 0 of 3 in model.events/0"]


def test_records_of_others_do_not_keep_a_run_from_settling():
    ahead = replace(DONE, committed={**DONE.committed, "labels": {("observations", 1): 500}})
    assert settled(DONE, ahead)


def test_a_topic_that_a_service_only_looks_things_up_in_is_not_waited_for():
    looked_up = replace(DONE, ends={**DONE.ends, ("streams", 0): 4})
    assert settled(looked_up, looked_up)


def waits(*reports: DeviceReport, adapter: int = 250) -> bool:
    """Whether a run waits for a device that has reported this."""
    ledger = Ledger(warmup=0, total=0)
    ledger.fold(Assignment(tenant="default", stream="", device_id="", version=1), "default/s/d", 0, "", "")
    ledger.fold(ModelAdapter(tenant="default", stream="", number=adapter), "default/s/adapter", 0, "", "")
    for report in reports:
        ledger.fold(report, "default/s/d", 0, "", "")
    return bool(snapshot(ledger, {}, {}, {}).open_adapters)


def test_a_device_is_waited_for_until_it_answers_with_the_newest_adapter():
    served = DeviceReport(tenant="default", stream="", device_id="", status=DeviceStatus.INSTALLED, version=1)
    assert waits(served)
    assert waits(replace(served, adapter=200))
    assert not waits(replace(served, adapter=250))
    assert not waits(served, adapter=0)


def test_a_device_that_has_refused_an_adapter_or_takes_none_is_not_waited_for():
    refused = DeviceReport(tenant="default", stream="", device_id="", status=DeviceStatus.REFUSED, version=1, adapter=200)
    assert waits(replace(refused, refused_adapter=200))
    assert not waits(replace(refused, refused_adapter=250))
    assert not waits(
        replace(refused, refused_adapter=250),
        DeviceReport(tenant="default", stream="", device_id="", status=DeviceStatus.INSTALLED, version=2, adapter=200),
    )
    assert not waits(
        DeviceReport(tenant="default", stream="", device_id="", status=DeviceStatus.INSTALLED, version=1, takes_adapters=False)
    )


def test_a_device_without_a_version_is_waited_for_because_of_its_assignment_alone():
    assert not waits()
    assert not waits(DeviceReport(tenant="default", stream="", device_id="", status=DeviceStatus.REFUSED, refused_version=1))


def test_of_several_the_line_names_what_is_not_reported():
    now = replace(DONE, open_assignments=("default/s/d (version 2)",), open_adapters=("default/s/d (adapter 250)",))
    assert expected(now) == ["inference: no report of default/s/d (version 2), default/s/d (adapter 250)"]
