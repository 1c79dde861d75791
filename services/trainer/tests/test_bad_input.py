"""Rows and labels that are hard to learn from; the README has the table."""

from __future__ import annotations

import doctest
import time
from dataclasses import replace

import edgeloop_trainer.core.size_limits
import numpy as np
import pytest
from edgeloop_contracts import ExampleBatch, Feature, GateKind, RunStatus, TrainingRun, topics
from edgeloop_trainer.core.families import CLASSIFIERS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.gate import Rule, Verdict
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.size_limits import COPIES, MOST_FEATURES, refusal
from edgeloop_trainer.io.fit import fit

EVERY = pytest.mark.parametrize("family", sorted(CLASSIFIERS))
CLASSES = ("a", "b", "c")


def job(family: Family, rows: int = 200, width: int = 4, classes: int = 2) -> FitJob:
    rng = np.random.default_rng(7)
    features = rng.normal(size=(rows, width)).astype(np.float32)
    labels = np.digitize(features[:, 0], [0.0, 0.8][: classes - 1]).astype(np.int64)
    return FitJob("digest", features, labels, CLASSES[:classes], None, Recipe(family, trees=10))


def fitted(given: FitJob) -> Fitted:
    result = fit(given)
    assert isinstance(result, Fitted), result
    return result


def ended(world, *records) -> TrainingRun:
    return [send.event for send in world.deliver(*records) if isinstance(send.event, TrainingRun)][-1]


@EVERY
def test_rows_of_one_class_give_a_constant_model_that_cannot_beat_the_majority(family):
    given = job(family)
    result = fitted(replace(given, labels=given.labels * 0, classes=("a",), held=np.arange(200) >= 160))
    assert len(result.onnx) < 1_000
    assert result.tally is not None
    assert Rule().verdict(result.tally, last=True) is Verdict.REJECT


@EVERY
def test_constant_features_give_a_model_that_is_as_good_as_the_majority(family):
    given = job(family)
    result = fitted(replace(given, features=np.full_like(given.features, 3.5), held=np.arange(200) >= 160))
    assert (result.tally.wins, result.tally.losses) == (0, 0)


@EVERY
@pytest.mark.parametrize("rows", [2, 10])
def test_a_handful_of_rows_fits(family, rows):
    given = job(family, rows)
    labels = np.arange(rows) % 2
    assert fitted(replace(given, labels=labels)).metrics["rows"] == rows
    assert fitted(replace(given, labels=labels, held=np.arange(rows) >= rows - 1)).tally.judged == 1


@EVERY
def test_a_single_row_fits_and_is_never_promoted(family):
    given = job(family, rows=1)
    result = fitted(replace(given, classes=("a",), labels=np.zeros(1, np.int64), held=np.ones(1, bool)))
    assert Rule().verdict(result.tally, last=True) is Verdict.REJECT


@EVERY
def test_missing_rows_missing_columns_and_nothing_but_missing_values_fit(family):
    given = job(family)
    features = given.features.copy()
    features[::5] = np.nan
    features[:, 2] = np.nan
    assert fitted(replace(given, features=features)).metrics["training_accuracy"] > 0.75
    nothing = fitted(replace(given, features=np.full_like(features, np.nan), held=np.arange(200) >= 160))
    assert (nothing.tally.wins, nothing.tally.losses) == (0, 0)


@EVERY
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_fail_the_run_and_say_so(family, value):
    given = job(family)
    given.features[3, 1] = value
    failed = fit(given)
    assert isinstance(failed, Failed)
    assert "infinity" in failed.reason


@EVERY
def test_labels_that_contradict_each_other_gain_nothing_and_lose_nothing(family):
    given = job(family, rows=100)
    features, labels = np.repeat(given.features, 2, axis=0), np.tile([0, 1], 100)
    result = fitted(replace(given, features=features, labels=labels, held=np.arange(200) >= 160))
    assert result.tally.wins == result.tally.losses  # of each pair both have exactly one right
    assert Rule().verdict(result.tally, last=True) is Verdict.REJECT


@EVERY
def test_a_class_that_only_the_newest_rows_have_counts_as_wrong_and_the_model_knows_it(family):
    given = job(family, classes=3)
    order = np.argsort(given.labels == 2, kind="stable")
    new = int((given.labels == 2).sum())
    held = np.arange(200) >= 200 - new
    result = fitted(replace(given, features=given.features[order], labels=given.labels[order], held=held))
    tally = result.tally
    assert (tally.wins, tally.losses, tally.both, tally.judged) == (0, 0, 0, new)
    assert result.metrics["classes"] == 3
    assert result.metrics["training_accuracy"] > 0.8


def test_labels_of_a_class_never_seen_decide_nothing_until_a_challenger_knows_it(world):
    world.first_champion()
    named, plain = {"high": "new"}, world.batch

    def batch(*arguments) -> ExampleBatch:
        made = plain(*arguments)
        return replace(made, labels=tuple(named.get(label, label) for label in made.labels))

    world.batch = batch
    world.deliver(*world.label([20] * 10))
    world.deliver(world.request(200, 400))
    ahead = ended(world, *world.label([5] * 4))
    assert ahead.status is RunStatus.PROMOTED
    assert ahead.classes == ("low", "new")
    assert ahead.losses < ahead.wins


@EVERY
def test_ten_thousand_features_fit_within_the_limits(family, process):
    given = job(family, rows=60, width=10_000)
    pending = process.submit(replace(given, dataset_digest=f"wide {family}", recipe=Recipe(family, trees=3)))
    while not pending.done():
        time.sleep(0.01)
    assert isinstance(pending.result, Fitted), pending.result


def test_a_million_features_are_refused_by_their_number_before_anything_is_read(world):
    world.deliver(*world.label([20] * 10))
    wide = replace(world.definition(), features=(Feature(name="f"),) * 1_000_000)
    world.log.append(topics.STREAMS, 0, wide, world.key)
    reads = world.log.reads
    run = ended(world, world.request(0, 200, GateKind.MAJORITY))
    assert (run.status, run.rows, world.log.reads) == (RunStatus.FAILED, 0, reads)
    assert run.reason == "too large: rows of 1,000,000 features; at most 100,000 are fitted on"


def test_more_rows_than_memory_are_refused_by_their_number_whatever_the_manifest_says_in_all(world):
    world.deliver(*world.label([20] * 10))
    request = world.request(0, 200, GateKind.MAJORITY)
    ranges = tuple(replace(part, end_index=part.first_index + (1 << 40)) for part in request.event.manifest.ranges)
    larger = replace(request.event, manifest=replace(request.event.manifest, ranges=ranges))
    run = ended(world, world.driver.receive(topics.TRAINING_REQUESTS, larger, world.key))
    assert run.status is RunStatus.FAILED
    assert "rows of 4 features take" in run.reason


def test_the_limits_lie_where_they_are_said_to_lie():
    assert doctest.testmod(edgeloop_trainer.core.size_limits).failed == 0
    assert not refusal(1, MOST_FEATURES, 4 << 30)
    assert refusal(1, MOST_FEATURES + 1, 4 << 30)
    assert not refusal(100, 100, 100 * 100 * 4 * COPIES)
    assert refusal(100, 100, 100 * 100 * 4 * COPIES - 1)
