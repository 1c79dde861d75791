"""Texts of others, of any length: in errors, labels, ids. None of them ends the trainer, and the request does not come back."""

from __future__ import annotations

import doctest
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import edgeloop_trainer.core.requests
import edgeloop_trainer.io.fit as fit_module
import numpy as np
import pytest
from edgeloop_contracts import AtGate, GateState, RunStatus, TrainingRun, topics
from edgeloop_kafka import body
from edgeloop_trainer.core.dataset import DatasetError
from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted, SearchStep
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.runs import failed_run, run_of, search_runs
from edgeloop_trainer.io.fit import fit

LONG = "x" * 3_000_000


def told(sent: list[Any]) -> TrainingRun:
    (event,) = [send.event for send in sent if isinstance(send.event, TrainingRun)]
    assert len(body(event)) < 100_000
    return event


def test_a_long_error_fails_the_run_and_the_next_request_is_answered(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.deliver(*world.label([20] * 10))

    def broken(*_: Any) -> Any:
        raise DatasetError(f"a row of {LONG}")

    with monkeypatch.context() as patched:
        patched.setattr("edgeloop_trainer.io.rows.Rows.dataset", broken)
        request = world.request(0, 200)
        event = told(world.deliver(request))
    assert event.status is RunStatus.FAILED
    assert event.reason.startswith("a row of xxx")
    assert event.reason.endswith("more characters)")
    assert world.deliver(request) == []
    assert [e.status for e in (s.event for s in world.deliver(world.request(0, 200, stage=1))) if isinstance(e, TrainingRun)][
        -1
    ] is RunStatus.PROMOTED


def test_every_text_of_a_fit_is_cut(world: Any) -> None:
    request = world.request(0, 0).event
    failure = Failed(LONG, parameters={"regression_broken": LONG}, steps=(SearchStep({"depth": LONG}, reason=LONG),))
    for event in (failed_run(request, failure, 1, "d"), *search_runs(request, failure.steps, 1, "d")):
        assert len(body(event)) < 10_000
    assert len(body(run_of(GateState(), AtGate(), RunStatus.FAILED, 1, LONG))) < 10_000


@pytest.mark.parametrize(
    "names", [{"request_id": LONG[:400_000]}, {"campaign": LONG[:400_000]}, {"campaign": "a\nb"}, {"stream": "a/b"}, {"tenant": ""}]
)
def test_a_request_with_names_that_no_answer_can_carry_is_a_dead_letter(world: Any, names: dict[str, str]) -> None:
    request = replace(world.request(0, 0).event, **names)
    assert world.driver.send(topics.TRAINING_REQUESTS, request, world.key) == []
    (dead,) = world.driver.dead
    assert dead.reason == "INVALID_NAME"
    assert len(dead.message) < 500


def test_class_names_that_fit_into_no_version_are_told_before_a_fit(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeloop_trainer.core.size_limits.MOST_OF_NAMES", 5)
    world.deliver(*world.label([20] * 10))
    event = told(world.deliver(world.request(0, 200)))
    assert event.status is RunStatus.FAILED
    assert event.reason == "too large: the names of 2 classes take 7 bytes; at most 5 fit into a version"


def test_a_run_with_a_search_says_which_optuna_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(120, 3)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(np.int64)
    recipe = Recipe(Family.EXTRA_TREES, trees=5, search_seconds=60.0, search_trials=2)
    job = FitJob("d", features, labels, ("no", "yes"), None, recipe, np.arange(120) >= 90)
    searched = fit(job)
    assert isinstance(searched, Fitted)
    assert searched.parameters["optuna"] == version("optuna")
    plain = fit(replace(job, validation=None, recipe=replace(recipe, search_seconds=0.0)))
    assert isinstance(plain, Fitted)
    assert "optuna" not in plain.parameters
    monkeypatch.setattr(fit_module, "fitted", lambda *_, **__: 1 / 0)
    broken = fit(job)
    assert isinstance(broken, Failed)
    assert broken.parameters["optuna"] == version("optuna")


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(edgeloop_trainer.core.requests).failed == 0
