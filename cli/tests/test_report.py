import json
from dataclasses import fields

from edgeloop_cli.core.audit_counts import Tally, counts
from edgeloop_cli.core.settlement import snapshot, unsettled
from edgeloop_contracts import DeviceReport, DeviceStatus, ExampleBatch, ModelFile, RunStatus, TrainingRequest, TrainingRun
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.report import Counts, assemble

KEYS = {"default/s/s-d0", "default/s/s-d1"}


def report(ledger: Ledger, name: str = "data") -> dict:
    return assemble(ledger, 2, name, Counts(produced=20), 12.3456, KEYS)


def test_the_report_has_what_was_agreed_and_no_more(ledger: Ledger):
    told = report(ledger)
    assert list(told) == ["rows", "devices", "accuracy", "accuracy_static", "fits", "versions", "signals", "events", "seconds"]
    assert set(told["versions"][0]) == {"version", "digest", "cause", "trained_rows", "installed_at_row"}
    assert set(told["signals"][0]) == {"row", "detector", "stream"}
    assert set(told["events"]) == {field.name for field in fields(Counts)}
    assert set(told["seconds"]) == {"wall", "signal_to_serving_p50", "gate_to_serving_p50", "fit_p50"}
    json.dumps(told)


def test_accuracy_counts_the_rows_after_the_warm_up(ledger: Ledger):
    told = report(ledger)
    assert told["rows"] == 6
    assert told["accuracy"] == round(4 / 6, 6)
    assert told["accuracy_static"] == 0.5


def test_the_first_version_is_no_fit_and_a_version_tells_its_cause(ledger: Ledger):
    told = report(ledger)
    assert told["fits"] == 1
    assert [v["cause"] for v in told["versions"]] == ["warm-up", "ADWIN at row 5, stage 1"]
    assert [v["installed_at_row"] for v in told["versions"]] == [4, 8]


def test_a_version_that_answered_no_row_is_installed_where_the_next_row_would_have_been(ledger: Ledger):
    del ledger.first_served[2]
    assert report(ledger)["versions"][1]["installed_at_row"] == 10


def test_a_signal_at_the_sixth_labelled_row_stands_at_row_five(ledger: Ledger):
    assert report(ledger)["signals"] == [{"row": 5, "detector": "ADWIN", "stream": "data"}]


def test_seconds_run_from_the_signal_and_from_the_gates_last_label_to_the_last_device(ledger: Ledger):
    seconds = report(ledger)["seconds"]
    assert seconds["wall"] == 12.346
    assert seconds["signal_to_serving_p50"] == 0.507  # from 2,100 to 2,607
    assert seconds["gate_to_serving_p50"] == 0.6  # the label of row 7 was sent at 2,007
    assert seconds["fit_p50"] == 1.0


def test_a_fit_that_failed_is_no_fit(ledger: Ledger):
    ledger.fold(TrainingRequest(tenant="default", stream="", request_id="sig/1"), "default/s", 0, "", "")
    ledger.fold(TrainingRun(tenant="default", stream="", request_id="sig/1", status=RunStatus.FAILED, rows=3), "default/s", 0, "", "")
    assert report(ledger)["fits"] == 1


def test_nothing_in_the_report_depends_on_the_runs_name(ledger: Ledger):
    assert "s-d0" not in json.dumps(report(ledger))


def test_the_ledger_of_a_finished_run_is_settled(ledger: Ledger):
    assert unsettled(snapshot(ledger, {}, {}, {})) == []


def test_a_request_is_open_until_it_ends_or_waits_at_its_gate(ledger: Ledger):
    ledger.fold(TrainingRequest(tenant="default", stream="", request_id="sig/1"), "default/s", 0, "", "")
    assert snapshot(ledger, {}, {}, {}).open_requests == ("sig/1",)
    ledger.fold(
        TrainingRun(tenant="default", stream="", request_id="sig/1", status=RunStatus.FITTED, file=ModelFile(digest="cc"), rows=9),
        "default/s",
        0,
        "",
        "",
    )
    assert snapshot(ledger, {}, {}, {}).open_requests == ()


def test_an_assignment_is_met_by_a_refusal_too(ledger: Ledger):
    key = "default/s/s-d0"
    ledger.assigned[key] = 3
    assert snapshot(ledger, {}, {}, {}).open_assignments == (f"{key} (version 3)",)
    refusal = DeviceReport(
        tenant="default", stream="", device_id="s-d0", status=DeviceStatus.REFUSED, version=2, refused_version=3, reason="DIGEST"
    )
    ledger.fold(refusal, key, 0, "", "")
    assert snapshot(ledger, {}, {}, {}).open_assignments == ()


def test_a_corrected_example_is_no_further_one(ledger: Ledger):
    before = ledger.joined
    ledger.fold(
        ExampleBatch(tenant="default", stream="", device_id="s-d0", boot_epoch=1, first_index=4, seqs=(0,), corrects=True),
        "k",
        0,
        "",
        "examples/0/9",
    )
    assert ledger.joined == before


def test_the_audit_counts_what_is_missing_and_what_comes_twice():
    names = [("d", 1, seq) for seq in range(5)]
    observed, joined = Tally(names), Tally(names[:3])
    observed.add("d", 1, range(3))
    observed.add("d", 1, range(2, 4))
    observed.add("stranger", 1, range(9))
    joined.add("d", 1, [0, 1, 2])
    assert counts(observed, joined, produced=8, dead=2) == Counts(produced=8, lost=1, duplicated=1, dead=2)
