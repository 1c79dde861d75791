"""Runs and versions as they are folded and told."""

from __future__ import annotations

import doctest
import io
from itertools import permutations

import edgeloop_cli.core.experiments
import pytest
from edgeloop_cli import experiments as view
from edgeloop_cli.core.experiments import Experiments, matching
from edgeloop_cli.models import as_object as version_object
from edgeloop_cli.models import matching as matching_versions
from edgeloop_cli.training_runs import as_object as run_object
from edgeloop_contracts import CandidateRefused, Cause, DeviceReport, ModelFile, ModelVersion, RunStatus, TrainingRequest, TrainingRun
from rich.console import Console

KEY = "default/s"
CAUSE = Cause(id="x", at="drift.signals/0/9")
REQUESTS = [
    TrainingRequest(tenant="default", stream="s", request_id="first/0", campaign="first"),
    TrainingRequest(tenant="default", stream="s", request_id="signal/0", campaign="signal", cause=CAUSE),
]
METRICS = {"gate_accuracy": 0.9, "gate_champion_accuracy": 0.8}
RUNS = [
    TrainingRun(tenant="default", stream="s", request_id="first/0", status=RunStatus.FITTED, file=ModelFile(digest="a" * 64), rows=50),
    TrainingRun(
        tenant="default",
        stream="s",
        request_id="first/0",
        status=RunStatus.PROMOTED,
        file=ModelFile(digest="a" * 64),
        rows=50,
        metrics=METRICS,
    ),
    TrainingRun(
        tenant="default",
        stream="s",
        request_id="signal/0",
        status=RunStatus.TRIAL,
        trial=1,
        metrics={"accuracy": 0.7},
        parameters={"C": "1.0"},
    ),
    TrainingRun(
        tenant="default",
        stream="s",
        request_id="signal/0",
        status=RunStatus.TRIAL,
        trial=2,
        parameters={"C": "0.123456"},
        reason="would not fit",
    ),
    TrainingRun(tenant="default", stream="s", request_id="signal/0", status=RunStatus.FITTED, file=ModelFile(digest="b" * 64), rows=70),
]
VERSIONS = [
    ModelVersion(tenant="default", stream="s", version=1, request_id="first/0", file=ModelFile(digest="a" * 64), rows=50, metrics=METRICS)
]
REPORTS = [DeviceReport(tenant="default", stream="s", device_id=f"d{n}", version=version) for n, version in enumerate((1, 0, 1))]


def folded(*topics: list, skip: tuple = ()) -> Experiments:
    found = Experiments()
    for events in topics or (REQUESTS, RUNS, VERSIONS, REPORTS):
        for offset, event in enumerate(events):
            if event not in skip:
                key = f"{KEY}/{event.device_id}" if isinstance(event, DeviceReport) else KEY
                found.fold(event, key, 1_000 * (1 + offset), f"id{offset}", f"{type(event).__name__}/0/{offset}")
    return found


def text(*parts: object) -> str:
    console = Console(file=io.StringIO(), width=80, highlight=False)
    console.print(*parts, sep="\n")
    return console.file.getvalue()


def test_the_examples_in_the_documentation_hold():
    assert doctest.testmod(edgeloop_cli.core.experiments).failed == 0


def test_the_order_in_which_topics_are_read_does_not_matter():
    folds = [folded(*order) for order in permutations((REQUESTS, RUNS, VERSIONS, REPORTS))]
    assert all(fold == folds[0] for fold in folds)


def test_a_run_knows_its_steps_its_trials_its_version_and_its_devices():
    found = folded()
    waiting, promoted = found.runs_of("default")
    assert (promoted.status, [step.event.status for step in promoted.steps]) == ("PROMOTED", [RunStatus.FITTED, RunStatus.PROMOTED])
    assert (waiting.status, [timed.event.trial for timed in waiting.trials]) == ("FITTED", [1, 2])
    version = found.version_from(promoted)
    assert version is not None
    assert (version.event.version, found.devices(version.event), found.champion(version.event)) == (1, ["d0", "d2"], True)
    assert found.version_from(waiting) is None
    assert found.run_behind(version.event) is promoted


def test_a_request_that_nothing_has_come_of_waits():
    assert [run.status for run in folded(REQUESTS).runs_of("default", "s")] == ["WAITING", "WAITING"]


def test_runs_whose_request_is_not_kept_any_more_are_told_all_the_same():
    found = folded(skip=tuple(REQUESTS))
    assert [run.status for run in found.runs_of("default")] == ["FITTED", "PROMOTED"]
    assert run_object(found, found.runs_of("default")[0], None)["lineage"]["request"] is None


def test_streams_and_tenants_are_kept_apart():
    found = folded()
    other = TrainingRun(tenant="other", stream="s", request_id="first/0", status=RunStatus.FAILED, reason="no rows")
    found.fold(other, "other/s", 9, "", "")
    assert [run.status for run in found.runs_of("other")] == ["FAILED"]
    assert found.runs_of("default", "no such stream") == []
    assert len(found.runs_of("default", "s")) == 2


@pytest.mark.parametrize(("name", "number"), [("sig", 1), ("signal/0", 1), ("s/0", 1), ("", 2), ("signal/1", 0), ("x", 0)])
def test_a_run_is_found_by_the_beginning_of_its_id(name, number):
    assert len(matching(folded().runs_of("default"), name)) == number


@pytest.mark.parametrize(("name", "number"), [("1", 1), ("s/1", 1), ("t/1", 0), ("2", 0), ("aaaaaa", 1), ("aaa", 0)])
def test_a_version_is_found_by_its_number_and_by_the_beginning_of_its_digest(name, number):
    assert len(matching_versions(folded().versions_of("default"), name)) == number


def test_programs_get_every_field_and_the_lineage():
    found = folded()
    run, promoted = found.runs_of("default")
    told = run_object(found, run, None)
    assert told["lineage"]["cause"] == {"at": CAUSE.at, "type": None}
    assert [trial["metrics"] for trial in told["trials"]] == [{"accuracy": 0.7}, {}]
    lineage = {
        "cause": None,
        "request": {"at": "TrainingRequest/0/0", "id": "first/0"},
        "run": {"at": "TrainingRun/0/1", "status": "PROMOTED"},
        "version": {"at": "ModelVersion/0/0", "version": 1, "digest": "a" * 64},
        "devices": ["d0", "d2"],
    }
    assert run_object(found, promoted, None)["lineage"] == lineage
    assert version_object(found, found.versions_of("default")[0], None)["lineage"] == lineage


def test_people_see_why_the_registry_refused_what_came_of_a_run():
    found = folded(REQUESTS, RUNS)
    found.fold(CandidateRefused(tenant="default", stream="s", request_id="first/0", message="version 1 is newer"), KEY, 9, "", "")
    run = found.runs_of("default")[1]
    assert "version 1 is newer" in text(view.tree(found, run, None, None))


def test_what_is_drawn_fits_eighty_columns_and_holds_trials_with_what_differs_between_them():
    found = folded()
    run, promoted = found.runs_of("default")
    drawn = text(view.trials(run), view.tree(found, promoted, found.version_from(promoted), None), view.pairs("metrics", METRICS))
    assert max(map(len, drawn.splitlines())) <= 80
    for part in ("would not fit", "C=1", "0.7000", "runs on d0, d2", "gate_accuracy", "0.9"):
        assert part in drawn


def test_a_gate_of_numbers_tells_the_mean_absolute_errors():
    assert view.gate({"gate_mae": 1.25, "gate_champion_mae": 3.0}) == "MAE 1.25 (3)"
    assert view.gate({"gate_mae": 1.25}) == "MAE 1.25 (-)"
    run = TrainingRun(
        tenant="default", stream="s", request_id="signal/0", status=RunStatus.TRIAL, trial=3, metrics={"mae": 0.5, "rmse": 0.75}
    )
    found = folded(REQUESTS, [run])
    drawn = text(view.trials(next(run for run in found.runs.values() if run.trials)))
    assert "mae" in drawn and "0.5000" in drawn and "accuracy" not in drawn
