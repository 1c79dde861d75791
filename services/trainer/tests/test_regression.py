"""Labels that are numbers: fits, files, the search and the gate."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import edgeloop_trainer.core.gate
import edgeloop_trainer.core.model_metrics
import numpy as np
import onnx
import pytest
from edgeloop_contracts import ExampleBatch, GateKind, Manifest, ModelCandidate, Range, RunStatus, TrainingRun
from edgeloop_mixture.runtime import onnxruntime
from edgeloop_trainer.core.dataset import DatasetError, assemble
from edgeloop_trainer.core.families import REGRESSORS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.gate import Judgement, NumberTally, Rule, judge
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.estimators import fitted, pipeline
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.onnx_export import ParityError, check_numbers, export, probes


@pytest.mark.parametrize("module", [edgeloop_trainer.core.gate, edgeloop_trainer.core.model_metrics])
def test_the_examples_in_the_documentation_hold(module):
    assert doctest.testmod(module).failed == 0


EVERY = pytest.mark.parametrize("family", sorted(REGRESSORS))


def job(rows: int = 300, family: Family = Family.EXTRA_TREES, scale: float = 1.0, middle: float = 0.0, **recipe: Any) -> FitJob:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    labels = middle + scale * (2 * features[:, 0] + features[:, 1] + 0.1 * rng.normal(size=rows))
    return FitJob("digest", features, labels, (), None, Recipe(family, **recipe))


def said(file: bytes, rows: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(file).run(["prediction"], {"input": rows})[0]


@EVERY
@pytest.mark.parametrize(("middle", "scale"), [(0.0, 1.0), (1e6, 3.0), (-5.0, 1e-3)])
def test_every_family_becomes_a_file_that_answers_as_scikit_learn_does(family, middle, scale):
    given = job(family=family, middle=middle, scale=scale)
    done = fit(given)
    assert isinstance(done, Fitted), done
    onnx.checker.check_model(onnx.load_model_from_string(done.onnx))
    session = onnxruntime.InferenceSession(done.onnx)
    assert [(o.name, o.type, len(o.shape)) for o in session.get_outputs()] == [("prediction", "tensor(float)", 1)]
    rows = probes(given.features)
    expected = fitted(given.recipe, {}, given.features, given.labels, numbers=True).predict(rows)
    answers = said(done.onnx, rows)
    assert (answers.shape, answers.dtype) == (expected.shape, np.float32)
    assert np.abs(answers - expected).max() <= 1e-5 * np.abs(expected).max()
    assert done.metrics["training_mae"] < 0.5 * np.abs(given.labels - np.median(given.labels)).mean()
    assert done.metrics["training_mae"] <= done.metrics["training_rmse"]


def test_two_processes_make_the_same_bytes():
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_regression import job; from edgeloop_trainer.io.fit import fit; from edgeloop_trainer.core.families import REGRESSORS
print(*(fit(job(family=family)).digest for family in sorted(REGRESSORS)))"""
    environment = {**os.environ, "PYTHONHASHSEED": "53", "OMP_NUM_THREADS": "1"}  # a seed by which skl2onnx orders otherwise
    other = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).splitlines()[-1].split()
    assert other == [fit(job(family=family)).digest for family in sorted(REGRESSORS)]
    assert len(set(other)) == len(REGRESSORS)


@EVERY
def test_ten_rows_missing_values_and_constant_features_fit(family):
    given = job(rows=10, family=family)
    holes = given.features.copy()
    holes[:, 3] = np.nan
    holes[::3, 4] = np.nan
    for features in (given.features, holes, np.ones_like(given.features)):
        assert isinstance(fit(replace(given, features=features)), Fitted)


def test_equal_labels_give_a_model_that_always_answers_them_and_beats_no_median():
    given = job()
    done = fit(replace(given, labels=np.full(300, 7.25), held=np.arange(300) >= 240))
    assert isinstance(done, Fitted), done
    assert (said(done.onnx, given.features) == 7.25).all()
    assert (done.tally.wins, done.tally.losses, done.tally.judged) == (0, 0, 60)


def test_a_challenger_is_compared_with_the_median_of_the_older_rows():
    given = job()
    held = np.arange(300) >= 240
    tally = fit(replace(given, held=held)).tally
    missed = np.abs(np.median(given.labels[~held]) - given.labels[held])
    assert tally.metrics["gate_champion_mae"] == pytest.approx(missed.mean())
    assert tally.wins > 50 > tally.losses


def test_a_family_for_classes_does_not_answer_with_numbers_nor_the_other_way_round():
    failed = fit(job(family=Family.LOGISTIC_REGRESSION))
    assert isinstance(failed, Failed)
    assert "logistic_regression does not answer with numbers" in failed.reason
    with pytest.raises(ValueError, match="linear does not answer with classes"):
        pipeline(Recipe(Family.LINEAR))


def test_a_file_that_answers_otherwise_is_found():
    given = job()
    one, other = (fitted(given.recipe, {}, given.features, given.labels + shift, numbers=True) for shift in (0, 1))
    with pytest.raises(ParityError, match="predictions differ by up to 1"):
        check_numbers(one, export(other, 5), given.features)


def test_a_search_takes_the_trial_with_the_smallest_mean_absolute_error():
    given = job(family=Family.LINEAR, search_seconds=20.0, search_trials=6)
    done = fit(replace(given, validation=np.arange(300) >= 240))
    assert isinstance(done, Fitted), done
    errors = [trial.metrics["mae"] for trial in done.steps]
    assert len(errors) == 6
    best = done.steps[errors.index(min(errors))]
    assert best.parameters.get("alpha") == done.parameters.get("alpha")


def test_a_dataset_of_numbers_has_their_digest_and_no_classes():
    def dataset(labels: tuple[str, ...]):
        batch = ExampleBatch(
            tenant="default", stream="", device_id="d", seqs=(0, 1), features=np.ones((2, 3), "<f4").tobytes(), labels=labels
        )
        return assemble(Manifest(rows=2), [(Range(end_index=2), batch)], 3, numbers=True)

    one = dataset(("1.5", "-2e3"))
    assert (one.labels.tolist(), one.classes) == ([1.5, -2000.0], ())
    assert dataset(("1.5", "-2e3")).digest == one.digest != dataset(("1.5", "-2e4")).digest
    with pytest.raises(DatasetError, match="label: expected a number, given 'warm'"):
        dataset(("1.5", "warm"))


def test_the_nearer_answer_wins_a_row_and_batches_do_not_show():
    outcomes = [(0.5, 1.0), (1.0, 1.0), (0.25, 3.0), (2.0, 1.5), (0.0, 0.1), (0.1, 0.3)]
    whole = judge(Rule(4), Judgement(NumberTally(), 1), outcomes, 100)
    assert (whole.tally.wins, whole.tally.losses, whole.tally.judged) == (3, 1, 5)
    step = Judgement(NumberTally(), 1)
    for outcome in outcomes:
        step = judge(Rule(4), step, [outcome], 100)
    assert step == whole
    assert whole.tally.metrics["gate_mae"] == pytest.approx(3.75 / 5)


def test_an_answer_that_is_no_number_loses_and_leaves_no_metric():
    tally = NumberTally().add((1.0, float("inf")))
    assert (tally.wins, tally.losses) == (1, 0)
    assert set(tally.metrics) == {"gate_mae", "gate_rmse"}


def test_from_the_first_version_to_one_that_knows_the_new_world(make_world):
    world = make_world(numbers=True)
    world.first_champion()
    world.deliver(*world.label([20] * 8, flipped=True))
    world.deliver(world.request(200, 360))
    sent = world.deliver(*world.label([20] * 4, flipped=True))
    (run,) = [send.event for send in sent if isinstance(send.event, TrainingRun)]
    assert (run.status, run.classes, run.losses) == (RunStatus.PROMOTED, (), 0)
    assert run.metrics["gate_mae"] < 0.3 * run.metrics["gate_champion_mae"]
    (candidate,) = [send.event for send in sent if isinstance(send.event, ModelCandidate)]
    assert (candidate.classes, world.versions) == ((), 2)


def test_a_gate_goes_on_after_a_restart_as_if_nothing_had_happened(make_world):
    def run_of(*, restarts: bool) -> TrainingRun:
        world = make_world(numbers=True)
        world.first_champion()
        world.deliver(*world.label([40] * 4))
        world.deliver(world.request(200, 360, GateKind.CHAMPION, until=400))
        for record in world.label([10] * 4):
            if restarts:
                world.driver.restart()
            sent = world.deliver(record)
        return next(send.event for send in sent if isinstance(send.event, TrainingRun))

    assert replace(run_of(restarts=True), fit_seconds=0) == replace(run_of(restarts=False), fit_seconds=0)
