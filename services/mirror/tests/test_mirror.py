"""Runs in MLflow: their content, once each, with none lost."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest
from edgeloop_contracts import ModelFile, RunStatus
from edgeloop_mirror.core.notes import key, model_name
from edgeloop_mirror.io.tracking import TrackingRefusedError


def run_of(scene, parent: str = "") -> dict:
    (found,) = [run for run in scene.tracking.runs.values() if run["parent"] == parent and not run["name"].startswith("trial")]
    return found


def take(scene, event, offset: int = 0) -> None:
    scene.events = [event]
    scene.play()


def test_a_run_has_its_parameters_metrics_dataset_model_and_end(either):
    either.play()
    run = run_of(either)
    assert (run["experiment"], run["name"], run["status"]) == ("edgeloop/default/boiler", "campaign/1", "FINISHED")
    assert run["parameters"] == {"family": "mlp"}
    metrics = {(name, step): value for (name, step, _), value in run["metrics"].items()}
    assert metrics["parity_agreement", 100] == 1.0
    assert (metrics["gate_accuracy", 140], metrics["wins", 140], metrics["fit_seconds", 100]) == (0.9, 9.0, 2.0)
    ((onnx, name, step),) = run["models"]
    assert (onnx, name, step) == (either.onnx, "boiler-campaign-1", 100)
    (dataset,) = run["datasets"]
    source = json.loads(dataset.source)
    assert (source["cluster_id"], source["ranges"][0]["partition"], source["digest"]) == ("here", 2, "d" * 64)
    assert len(dataset.digest) <= 36
    assert run["tags"]["edgeloop.status"] == "PROMOTED"
    assert run["tags"]["edgeloop.model"] == "mirrored"


def test_trials_are_runs_of_their_own_below_the_run_that_they_led_to(either):
    either.play()
    runs = either.tracking.runs
    (parent,) = [run_id for run_id, run in runs.items() if not run["parent"]]
    trials = [run for run in runs.values() if run["parent"] == parent]
    assert [(run["name"], run["status"], run["parameters"]) for run in trials] == [
        ("trial 1", "FINISHED", {"alpha": "1.0"}),
        ("trial 2", "FINISHED", {"alpha": "0.1"}),
    ]
    assert len(runs) == 3


def test_applied_twice_changes_nothing(either):
    either.play()
    once = deepcopy(either.tracking.runs)
    for _ in range(2):
        either.play()
    assert either.tracking.runs == once
    assert list(either.tracking.registered["edgeloop.default.boiler"]) == [1]


CALLS = range(1, 29)


@pytest.mark.parametrize("what", ["death", "away"])
@pytest.mark.parametrize("call", CALLS)
def test_whichever_call_ends_the_process_or_finds_nobody_the_runs_are_the_same_in_the_end(make_scene, what, call):
    undisturbed, scene = make_scene(), make_scene()
    undisturbed.play()
    assert undisturbed.tracking.calls in CALLS
    getattr(scene, what)(call)
    scene.play()
    assert scene.tracking.runs == undisturbed.tracking.runs
    assert scene.tracking.registered == undisturbed.tracking.registered
    assert scene.tracking.champions == undisturbed.tracking.champions


def test_what_mlflow_refuses_is_passed_and_the_next_event_is_mirrored(scene):
    scene.tracking.fail_at[1] = TrackingRefusedError("a bad value")
    scene.play()
    assert [run["name"] for run in scene.tracking.runs.values()] == ["campaign/1", "trial 2"]
    assert run_of(scene)["status"] == "FINISHED"


def test_a_run_that_failed_says_why(scene):
    take(scene, replace(scene.events[0], status=RunStatus.FAILED, trial=None, reason="too large"))
    run = run_of(scene)
    assert (run["status"], run["tags"]["mlflow.note.content"]) == ("FAILED", "too large")


@pytest.mark.parametrize("gone", ["model.chunks", "training.requests"])
def test_a_model_or_a_request_that_is_not_kept_any_more_keeps_no_run_from_being_mirrored(scene, gone):
    del scene.kept.records[gone, 3 if gone == "model.chunks" else 1]
    scene.play()
    run = run_of(scene)
    assert run["status"] == "FINISHED"
    if gone == "model.chunks":
        assert (run["models"], run["tags"]["edgeloop.model"]) == (set(), "deleted before it was mirrored")
    else:
        (dataset,) = run["datasets"]
        assert json.loads(dataset.source) == {"digest": "d" * 64}


def test_the_same_request_with_another_model_is_another_run(scene):
    scene.play()
    take(scene, replace(scene.events[2], file=ModelFile(digest="e" * 64)))
    assert len([run for run in scene.tracking.runs.values() if run["name"] == "campaign/1"]) == 2


def test_keys_tell_streams_tenants_requests_and_trials_apart(scene):
    first = scene.events[0]
    others = [
        first,
        scene.events[1],
        scene.events[2],
        replace(first, stream="x"),
        replace(first, tenant="x"),
        replace(first, request_id="x"),
    ]
    assert len({key(event) for event in others}) == len(others)
    assert key(scene.events[2]) == key(scene.events[3])


def test_names_of_models_hold_only_what_mlflow_allows(scene):
    assert model_name(replace(scene.events[2], stream="a.b/c:d%'e")) == "a-b-c-d-e-campaign-1"
