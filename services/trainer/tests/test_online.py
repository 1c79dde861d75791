"""Models that learn from every row: their files, their lessons, and their way to the gate."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeloop_contracts import GateKind, Policy, RunStatus, TrainingPolicy, TrainingRun
from edgeloop_mixture.runtime import onnxruntime
from edgeloop_streaming import Send
from edgeloop_trainer.core.dataset import Dataset
from edgeloop_trainer.core.families import ONLINE, ONLINE_REGRESSORS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.online_group import GroupAtRow, OnlineBatch, OnlineGroup, OnlineProgress, OnlineSpec
from edgeloop_trainer.core.plans import Plan, apply_policy
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.fit_process import FitProcess, Limits
from edgeloop_trainer.io.online_models import OnlineModel, OnlineModels
from edgeloop_trainer.io.river_models import ONE
from edgeloop_trainer.io.river_trees import MainTree
from edgeloop_trainer.settings import Settings
from river import tree

STREAM = Path(__file__).parents[3] / "examples" / "data" / "covtype_areas_dev.csv.gz"
FAMILIES = sorted(ONLINE)
LR = Family.ONLINE_LOGISTIC_REGRESSION
OF_CLASSES = [pytest.param(family, False, id=family) for family in FAMILIES]
OF_NUMBERS = [pytest.param(family, True, id=f"{family} of numbers") for family in sorted(ONLINE_REGRESSORS)]


@pytest.fixture(scope="module")
def covtype() -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows of a real stream, one value in fifty missing."""
    table = np.loadtxt(STREAM, delimiter=",", skiprows=1, max_rows=5_500, dtype=np.float32)
    features, labels = table[:, :-1].copy(), table[:, -1]
    features[np.random.default_rng(0).random(features.shape) < 0.02] = np.nan
    return features, tuple(str(int(label)) for label in labels)


def taught(family: Family, features: np.ndarray, labels: tuple[str, ...], trees: int = 3) -> OnlineModel:
    model = OnlineModel(OnlineSpec(family, trees, 1), features.shape[1])
    model.learn(features, labels)
    return model


def probabilities(onnx: bytes, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    label, found = session.run(["label", "probabilities"], {"input": rows})
    return np.asarray(label), np.asarray(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_file_answers_as_river_does_on_rows_of_a_real_stream_that_lack_values(family, covtype):
    features, labels = covtype
    model = taught(family, features[:5_000], labels[:5_000])
    rows = features[5_000:]
    label, found = probabilities(model.export(), rows)
    means, gains = model.river.moments.means, model.river.moments.gains
    known = np.where(np.isnan(rows), means, rows).astype(np.float64)
    for number, row in enumerate(known):
        seen = dict(enumerate(((row - means) * gains).tolist())) | {ONE: 1.0} if family is LR else dict(enumerate(row.tolist()))
        said = model.river.model.predict_proba_one(seen)
        expected = [said.get(model.river.numbers[name], 0.0) for name in model.classes]
        assert np.allclose(found[number], expected, atol=2e-6)
        assert expected[label[number]] > max(expected) - 1e-5
    assert np.isnan(rows).any()
    assert len(np.unique(found, axis=0)) > 1


def test_the_main_tree_learns_as_rivers_and_answers_so_while_no_alternate_tree_grows(covtype):
    features, labels = covtype
    given: dict[str, Any] = {"leaf_prediction": "mc", "grace_period": 50, "delta": 0.01, "seed": 1}
    mine, rivers = MainTree(**given), tree.HoeffdingAdaptiveTreeClassifier(**given)
    for row, label in zip(np.nan_to_num(features).tolist(), labels, strict=True):
        x = dict(enumerate(row))
        if not rivers.n_alternate_trees:
            said = rivers.predict_proba_one(x)
            assert {name: value for name, value in said.items() if value} == pytest.approx(
                {name: value for name, value in mine.predict_proba_one(x).items() if value}
            )
        mine.learn_one(x, label)
        rivers.learn_one(x, label)
        assert mine.n_nodes == rivers.n_nodes
    assert rivers.n_nodes > 3


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_one_class_always_answers_that(family):
    model = taught(family, np.zeros((5, 3), np.float32), ("x",) * 5)
    label, found = probabilities(model.export(), np.full((2, 3), np.nan, np.float32))
    assert label.tolist() == [0, 0]
    assert found.tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("family", FAMILIES)
def test_constant_and_unknown_features_and_huge_values_are_learned_from(family):
    rows = np.column_stack([np.full(200, np.nan), np.ones(200), np.linspace(-3e38, 3e38, 200)]).astype(np.float32)
    model = taught(family, rows, tuple("b" if value > 0 else "a" for value in rows[:, 2]))
    assert np.isfinite(probabilities(model.export(), rows)[1]).all()


def batch(group: OnlineGroup, features: np.ndarray, labels: tuple[str, ...], first: int, last: int) -> OnlineBatch:
    return OnlineBatch(group, first, last, features[first - 1 : last], labels[first - 1 : last], begin=first == 1)


@pytest.mark.parametrize(("family", "numbers"), OF_CLASSES + OF_NUMBERS)
def test_how_rows_are_cut_into_lessons_does_not_show_in_the_model(family, numbers, covtype):
    features, labels = covtype
    group = OnlineGroup("t/s", features.shape[1], (OnlineSpec(family, 3, 1, numbers),))
    at_once, by_steps = OnlineModels(), OnlineModels()
    assert at_once.learn(batch(group, features, labels, 1, 1_000)) == OnlineProgress(1_000)
    for first in range(1, 1_001, 333):
        by_steps.learn(batch(group, features, labels, first, min(first + 332, 1_000)))
    (one,), (other,) = at_once.models(group), by_steps.models(group)
    assert one.export() == other.export()
    assert (one.digest, one.learned) == (other.digest, other.learned)


def test_a_lesson_that_does_not_follow_changes_nothing_and_tells_where_the_models_are(covtype):
    features, labels = covtype
    group = OnlineGroup("t/s", features.shape[1], (OnlineSpec(LR, 3, 1),))
    models = OnlineModels()
    assert models.learn(batch(group, features, labels, 11, 20)) == OnlineProgress(0)
    models.learn(batch(group, features, labels, 1, 10))
    assert models.learn(batch(group, features, labels, 21, 30)) == OnlineProgress(10)
    assert models.learn(batch(group, features, labels, 11, 20)) == OnlineProgress(20)
    assert models.row(replace(group, specs=(OnlineSpec(LR, 3, 2),))) == 0


def test_what_river_cannot_learn_from_ends_that_model_and_the_course_goes_on(monkeypatch):
    group = OnlineGroup("t/s", 2, (OnlineSpec(LR, 3, 1), OnlineSpec(Family.HOEFFDING_ADAPTIVE_TREE, 3, 1)))
    models = OnlineModels()
    models.learn(OnlineBatch(group, 1, 1, np.zeros((1, 2), np.float32), ("a",), begin=True))
    first, second = models.models(group)

    def fails(*_: object) -> None:
        raise ZeroDivisionError("weights")

    monkeypatch.setattr(first.river, "learn", fails)
    for row in (2, 3):
        assert models.learn(OnlineBatch(group, row, row, np.zeros((1, 2), np.float32), ("b",))) == OnlineProgress(row)
    assert (first.broken, first.learned, second.broken, second.learned) == ("ZeroDivisionError: weights", 1, "", 3)


def test_a_broken_challenger_leaves_the_fit_and_a_broken_model_of_the_recipe_fails_it():
    for recipe in (Recipe(challengers=(LR,)), Recipe(family=LR)):
        job, models = prepared(recipe)
        assert job.online is not None
        models.models(job.online.group)[0].broken = "ZeroDivisionError: weights"
        result = fit(job, models)
        assert result.parameters[f"{LR}_broken"] == "ZeroDivisionError: weights"
        if recipe.family == LR:
            assert isinstance(result, Failed)
            assert result.reason == f"{LR} cannot go on: ZeroDivisionError: weights"
        else:
            assert isinstance(result, Fitted)
            assert result.learned is None


def line(count: int, seed: int = 0) -> tuple[np.ndarray, tuple[str, ...]]:
    """A line through twelve features, which takes a forest many rows to see."""
    features = np.random.default_rng(seed).normal(size=(count, 12)).astype(np.float32)
    return features, tuple("yes" if value > 0 else "no" for value in features.sum(axis=1))


def prepared(recipe: Recipe, rows: int = 100) -> tuple[FitJob, OnlineModels]:
    """A fit on the newest of 2,000 rows, and online models that have learned them all."""
    features, labels = line(2_000)
    models, group = OnlineModels(), OnlineGroup("t/s", 12, recipe.online_specs)
    models.learn(batch(group, features, labels, 1, 2_000))
    numbers = np.array([label == "yes" for label in labels[-rows:]], np.int64)
    dataset = Dataset(features[-rows:], numbers, ("no", "yes"), np.zeros(rows, np.int64), "d")
    due = GroupAtRow(group, 2_000)
    return FitJob("d", dataset.features, numbers, dataset.classes, None, recipe, compared=dataset.newest(), online=due), models


def contested(recipe: Recipe, rows: int = 100) -> Fitted:
    result = fit(*prepared(recipe, rows))
    assert isinstance(result, Fitted), result
    return result


def test_an_online_model_that_was_right_more_often_than_a_fresh_fit_is_the_challenger():
    won = contested(Recipe(challengers=(LR, Family.HOEFFDING_ADAPTIVE_TREE)))
    assert won.parameters["family"] == LR
    assert won.learned is not None
    assert (won.learned.rows, won.learned.classes) == (2_000, ("no", "yes"))
    assert won.metrics[f"{LR}_accuracy"] > max(won.metrics["fresh_accuracy"], won.metrics["hoeffding_adaptive_tree_accuracy"])


def test_a_fresh_fit_that_is_right_more_often_stays_the_challenger():
    fresh = contested(Recipe(family=Family.LOGISTIC_REGRESSION, challengers=(Family.HOEFFDING_ADAPTIVE_TREE,)), rows=1_000)
    assert fresh.learned is None
    assert fresh.parameters["family"] == Family.LOGISTIC_REGRESSION


def test_a_recipe_of_an_online_family_has_its_model_as_the_challenger():
    assert contested(Recipe(family=Family.HOEFFDING_ADAPTIVE_TREE)).parameters["family"] == Family.HOEFFDING_ADAPTIVE_TREE
    assert contested(Recipe(family=Family.HOEFFDING_ADAPTIVE_TREE, challengers=(LR,))).parameters["family"] == LR


def test_a_fit_without_the_models_that_it_should_have_says_so():
    recipe = Recipe(family=LR)
    job = FitJob("d", *_few(), ("no", "yes"), None, recipe, online=GroupAtRow(OnlineGroup("t/s", 12, recipe.online_specs), 10))
    for online in (None, OnlineModels()):
        failed = fit(job, online)
        assert isinstance(failed, Failed)
        assert failed.behind


def _few() -> tuple[np.ndarray, np.ndarray]:
    features, labels = line(10)
    return features, np.array([label == "yes" for label in labels], np.int64)


# --- the service ---


@pytest.fixture
def process() -> Iterator[FitProcess]:
    """One of its own for each test, as some are killed."""
    process = FitProcess(Limits())
    process.start()
    yield process
    process.close()


def runs(sent: list[Send]) -> list[TrainingRun]:
    return [replace(send.event, fit_seconds=0.0) for send in sent if isinstance(send.event, TrainingRun)]


def pooled(world: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """All rows of a world in the pooled order."""
    batches = [
        world.log.records["examples", partial.event.partition][partial.event.offset].event
        for _, partial in sorted(world.log.records["drift.partials", 0].items())
    ]
    rows = [np.frombuffer(batch.features, "<f4").reshape(len(batch.labels), -1) for batch in batches]
    return np.concatenate(rows), tuple(label for batch in batches for label in batch.labels)


def online(world: Any, *, kill: bool = False, restart: bool = False, late: int = 0) -> TrainingRun:
    """A first version and a challenger of an online family; gives the challenger's run."""
    world.deliver(*world.label([20] * 10))
    assert [run.status for run in runs(world.deliver(world.request(0, 200, GateKind.MAJORITY)))] == [RunStatus.FITTED, RunStatus.PROMOTED]
    world.deliver(*world.label([20] * 50))
    if kill:
        os.kill(world.process.pid, signal.SIGKILL)
    if restart:
        world.driver.restart()
    request = world.request(600, 1_200)
    for _ in range(late):
        world.deliver(*world.label([20] * 50))
    return next(run for run in runs(world.deliver(request)) if run.status is RunStatus.FITTED)


@pytest.mark.parametrize(
    ("family", "numbers"), [(LR, False), (Family.HOEFFDING_ADAPTIVE_TREE, False), (Family.HOEFFDING_ADAPTIVE_TREE, True)]
)
def test_the_challenger_has_learned_every_row_in_the_pooled_order_up_to_the_request(make_world, family, numbers):
    world = make_world(recipe=Recipe(family=family, trees=3), numbers=numbers)
    run = online(world)
    features, labels = pooled(world)
    model = OnlineModel(OnlineSpec(family, 3, 0, numbers), features.shape[1])
    model.learn(features[:1_200], labels[:1_200])
    assert (run.status, run.rows, run.dataset_digest, run.classes) == (RunStatus.FITTED, 1_200, model.digest, model.classes)
    assert run.parameters["family"] == family
    assert run.file.size == len(model.export())
    assert run.file.digest == hashlib.sha256(model.export()).hexdigest()


@pytest.mark.parametrize(("family", "numbers"), [(LR, False), (Family.HOEFFDING_ADAPTIVE_TREE, True)])
def test_a_killed_child_or_a_restart_gives_the_same_model(make_world, family, numbers):
    given = {"recipe": Recipe(family=family), "numbers": numbers}
    expected = online(make_world(**given))
    assert online(make_world(**given), kill=True) == expected
    assert online(make_world(**given), restart=True) == expected


def test_a_request_that_comes_late_gets_the_model_of_its_own_row(make_world):
    recipe = Recipe(family=LR)
    expected = online(make_world(recipe=recipe))
    assert online(make_world(recipe=recipe), late=2) == expected


def test_rows_that_are_deleted_are_left_out(make_world):
    world = make_world(recipe=Recipe(family=LR))
    world.deliver(*world.label([20] * 10))
    world.deliver(world.request(0, 200, GateKind.MAJORITY))
    world.deliver(*world.label([20] * 50))
    world.log.gone_before["examples", 0] = 10
    world.driver.restart()
    run = runs(world.deliver(world.request(600, 1_200)))[-1]
    assert run.status is RunStatus.FITTED
    assert 0 < run.rows < 1_200


# --- policies and settings ---


def test_a_policy_names_online_families():
    given = Policy(
        tenant="default", stream="", training=TrainingPolicy(family="adaptive_random_forest", challengers=("online_logistic_regression",))
    )
    recipe = apply_policy(Plan(Recipe(), Rule()), given).recipe
    assert [(spec.family, spec.trees) for spec in recipe.online_specs] == [(Family.ADAPTIVE_RANDOM_FOREST, 10), (LR, 10)]


@pytest.mark.parametrize("name", ["extra_trees", "oracle"])
def test_a_challenger_that_does_not_learn_online_is_refused(name, monkeypatch):
    with pytest.raises(ValueError, match=name):
        apply_policy(Plan(Recipe(), Rule()), Policy(tenant="default", stream="", training=TrainingPolicy(challengers=(name,))))
    monkeypatch.setenv("EDGELOOP_TRAINER_CHALLENGERS", name)
    with pytest.raises(ValueError, match=name):
        Settings()


def test_challengers_are_set_by_their_names(monkeypatch):
    monkeypatch.setenv("EDGELOOP_TRAINER_CHALLENGERS", "online_logistic_regression, hoeffding_adaptive_tree")
    assert [spec.family for spec in Settings().plan.recipe.online_specs] == [LR, Family.HOEFFDING_ADAPTIVE_TREE]
