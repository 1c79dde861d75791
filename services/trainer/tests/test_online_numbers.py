"""Models that learn from every row where labels are numbers: their files, their units, and their way to the gate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from edgeloop_contracts import GateKind, RunStatus, TrainingRun
from edgeloop_mixture.runtime import onnxruntime
from edgeloop_trainer.core.dataset import Dataset
from edgeloop_trainer.core.families import ONLINE_REGRESSORS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.gate import NumberTally
from edgeloop_trainer.core.online_group import GroupAtRow, OnlineBatch, OnlineSpec
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io import river_trees
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.online_models import OnlineModel, OnlineModels
from edgeloop_trainer.io.river_trees import ErrorDrift, FirstThresholds, MainNumberTree
from river import stats, tree
from river.tree.split_criterion import VarianceReductionSplitCriterion
from river.tree.splitter import EBSTSplitter

STREAM = Path(__file__).parents[3] / "examples" / "data" / "covtype_areas_dev.csv.gz"
EVERY = pytest.mark.parametrize("family", sorted(ONLINE_REGRESSORS))
KINDS = (MainNumberTree, tree.HoeffdingAdaptiveTreeRegressor)
HAT, LR = Family.HOEFFDING_ADAPTIVE_TREE, Family.ONLINE_LOGISTIC_REGRESSION


@pytest.fixture(scope="module")
def elevations() -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows of a real stream, one value in fifty missing, and a number to be told from them."""
    table = np.loadtxt(STREAM, delimiter=",", skiprows=1, max_rows=2_100, dtype=np.float32)
    features, labels = table[:, 1:-1].copy(), table[:, 0]
    features[np.random.default_rng(0).random(features.shape) < 0.02] = np.nan
    return features, tuple(map(str, labels.tolist()))


def turning(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A number told by two of three features, of which one changes its sign halfway."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 3)).astype(np.float32)
    sign = np.where(np.arange(rows) < rows // 2, 1, -1)
    return features, 5 * features[:, 0] + 5 * sign * features[:, 1] + 0.3 * rng.normal(size=rows)


def taught(family: Family, features: np.ndarray, labels: tuple[str, ...], trees: int = 3) -> OnlineModel:
    model = OnlineModel(OnlineSpec(family, trees, 1, numbers=True), features.shape[1])
    model.learn(features, labels)
    return model


def said(file: bytes, rows: np.ndarray) -> np.ndarray:
    return np.asarray(onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(["prediction"], {"input": rows})[0])


@EVERY
def test_the_file_answers_as_river_does_on_rows_of_a_real_stream_that_lack_values(family, elevations):
    features, labels = elevations
    model = taught(family, features[:1_800], labels[:1_800])
    rows, file = features[1_800:], model.export()
    onnx.checker.check_model(onnx.load_model_from_string(file))
    known = np.where(np.isnan(rows), model.river.moments.means, rows)
    expected = [model.river.model.predict_one(dict(enumerate(row.tolist()))) for row in known]
    answers = said(file, rows)
    assert (answers.dtype, answers.shape) == (np.float32, (300,))
    assert answers == pytest.approx(expected, rel=1e-6)
    assert np.isnan(rows).any()
    assert len(np.unique(answers)) > 5
    truth = np.array(labels[1_800:], float)
    assert np.abs(answers - truth).mean() < np.abs(np.median(np.array(labels[:1_800], float)) - truth).mean()


def test_the_main_tree_learns_as_rivers_and_answers_so_while_no_alternate_tree_grows():
    features, labels = turning(2_000)
    mine, rivers = (kind(leaf_prediction="mean", grace_period=50, delta=0.01, seed=1) for kind in KINDS)
    for row, label in zip(features.tolist(), labels.tolist(), strict=True):
        x = dict(enumerate(row))
        if not rivers.n_alternate_trees:
            assert mine.predict_one(x) == rivers.predict_one(x)
        mine.learn_one(x, label)
        rivers.learn_one(x, label)
        assert mine.n_nodes == rivers.n_nodes
    assert rivers.n_nodes > 3
    assert rivers.n_alternate_trees


@EVERY
def test_a_model_of_one_row_and_one_of_equal_labels_answer_that_number(family):
    for rows in (1, 400):
        features = np.random.default_rng(1).normal(size=(rows, 3)).astype(np.float32)
        model = taught(family, features, ("7.25",) * rows, trees=1)
        assert not model.broken
        assert said(model.export(), np.full((2, 3), np.nan, np.float32)).tolist() == [7.25, 7.25]


@EVERY
def test_a_tree_that_has_learned_nothing_answers_0_as_in_river(family):
    model = taught(family, np.ones((1, 2), np.float32), ("8.0",))
    for inner in model.river.model if family is Family.ADAPTIVE_RANDOM_FOREST else ():
        inner._root = None
    expected = 0.0 if family is Family.ADAPTIVE_RANDOM_FOREST else 8.0
    assert said(model.export(), np.ones((1, 2), np.float32)).tolist() == [expected] == [model.river.model.predict_one({0: 1.0, 1: 1.0})]


@EVERY
def test_huge_labels_and_constant_and_unknown_features_are_learned_from(family):
    rng = np.random.default_rng(2)
    rows = np.column_stack([np.full(600, np.nan), np.ones(600), rng.uniform(-3e38, 3e38, 600)]).astype(np.float32)
    for huge in (1e30, 3.4e38):
        labels = tuple(
            repr(huge * sign) if wild else "1.0" for sign, wild in zip(np.sign(rows[:, 2]).tolist(), rng.random(600) < 0.3, strict=True)
        )
        model = taught(family, rows, labels)
        assert not model.broken
        assert np.isfinite(model.river.predict(rows)).all()
        job = FitJob("d", rows, np.array(labels, float), (), None, Recipe(family, trees=3))
        result = fit(*with_models(job, labels))
        assert isinstance(result, Fitted), result


def test_a_label_that_is_no_number_ends_the_model_with_its_name():
    model = taught(HAT, np.ones((2, 2), np.float32), ("1.0", "warm"))
    assert model.broken == "ValueError: label: expected a number, given 'warm'"


@EVERY
def test_the_units_of_features_and_labels_do_not_show(family):
    features, labels = turning(1_500)
    one, small = (
        taught(family, (features * unit).astype(np.float32), tuple(repr(float(value)) for value in labels * unit))
        for unit in (1.0, 2.0**-12)
    )
    assert small.river.predict(features[:50] / np.float32(4096)) == pytest.approx(one.river.predict(features[:50]) / 4096, rel=1e-6)


def test_errors_that_grow_are_noticed_whatever_their_unit():
    errors = np.abs(np.random.default_rng(4).normal(size=2_000)) * np.where(np.arange(2_000) < 1_000, 1, 4)
    for unit in (1e-6, 1.0, 1e6):
        drift = ErrorDrift()
        noticed = []
        for row, error in enumerate((errors * unit).tolist()):
            drift.update(error)
            noticed += [row] * drift.drift_detected
        assert noticed
        assert 1_000 <= noticed[0] < 1_200


def test_a_forest_learns_anew_where_errors_grow_on_both_sides_alike():
    features, labels = turning(2_000)
    model = taught(Family.ADAPTIVE_RANDOM_FOREST, features, tuple(map(repr, labels.tolist())))
    assert model.river.model.n_drifts_detected() > 0
    assert model.scores(500).mean() < 0.6 * np.abs(labels[-500:] - np.median(labels)).mean()


def test_what_is_counted_at_the_first_thresholds_is_exact(monkeypatch):
    rng = np.random.default_rng(5)
    values, weights = rng.normal(size=300).round(1), rng.integers(1, 5, size=300)
    labels = 10.0 * (values > 0.3) + rng.normal(size=300)
    monkeypatch.setattr(river_trees, "MOST_THRESHOLDS", 20)
    few, every, total = FirstThresholds(), EBSTSplitter(), stats.Var()
    for value, label, weight in zip(values.tolist(), labels.tolist(), weights.tolist(), strict=True):
        few.update(value, label, weight)
        every.update(value, label, weight)
        total.update(label, weight)
    criterion = VarianceReductionSplitCriterion(min_samples_split=5)
    one, other = (splitter.best_evaluated_split_suggestion(criterion, total, "x") for splitter in (few, every))
    left = values <= one.split_info
    assert one.split_info in values[:20]
    assert one.children_stats[0].mean.get() == pytest.approx(np.average(labels[left], weights=weights[left]))
    assert one.children_stats[1].mean.n == weights[~left].sum()
    assert 0.8 * other.merit < one.merit <= other.merit


# --- the way to the gate ---


def steps(count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """A number that two features tell by steps, which no line follows."""
    features = np.random.default_rng(6).normal(size=(count, 6)).astype(np.float32)
    labels = np.where(features[:, 0] > 0, 10.0, 0.0) + np.where(features[:, 0] > 1, -20.0, 0.0)
    return features, tuple(map(repr, labels.tolist()))


def with_models(job: FitJob, labels: tuple[str, ...], before: np.ndarray | None = None) -> tuple[FitJob, OnlineModels]:
    """A job whose online models have learned all rows up to its own."""
    features = job.features if before is None else np.concatenate([before, job.features])
    group = job.recipe.online_group("t/s", features.shape[1], numbers=True)
    models = OnlineModels()
    if group is None:
        return job, models
    models.learn(OnlineBatch(group, 1, len(labels), features, labels, begin=True))
    return replace(job, online=GroupAtRow(group, len(labels))), models


def slope(count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """A number on a slope, which no tree follows."""
    features = np.random.default_rng(6).normal(size=(count, 6)).astype(np.float32)
    return features, tuple(map(repr, features.sum(axis=1).tolist()))


def contested(recipe: Recipe, held: bool = False, rows: tuple[np.ndarray, tuple[str, ...]] | None = None) -> Fitted | Failed:
    """A fit on the newest hundred of 2,000 rows beside models of them all; of a first version, with the rows held out."""
    features, labels = rows or steps(2_000)
    numbers = np.array(labels[-100:], float)
    newest = Dataset(features[-100:], numbers, (), np.zeros(100, np.int64), "d").newest()
    job = FitJob("d", features[-100:], numbers, (), newest if held else None, recipe, compared=None if held else newest)
    return fit(*with_models(job, labels, before=features[:-100]))


@EVERY
def test_an_online_model_that_came_nearer_than_a_fresh_fit_is_the_challenger(family):
    won = contested(Recipe(family=Family.LINEAR, trees=3, challengers=(family,)))
    assert isinstance(won, Fitted), won
    assert won.parameters["family"] == family
    assert won.learned is not None
    assert (won.learned.rows, won.learned.classes) == (2_000, ())
    assert won.metrics[f"{family}_mae"] < won.metrics["fresh_mae"]
    assert won.metrics["rows"] == 2_000
    assert "classes" not in won.metrics


def test_a_fresh_fit_that_comes_nearer_stays_the_challenger():
    fresh = contested(Recipe(family=Family.LINEAR, challengers=(HAT,)), rows=slope(2_000))
    assert isinstance(fresh, Fitted), fresh
    assert fresh.learned is None
    assert fresh.metrics["fresh_mae"] < fresh.metrics["hoeffding_adaptive_tree_mae"]


def test_a_first_version_is_compared_with_the_median_of_the_rows_before():
    first = contested(Recipe(family=HAT), held=True)
    assert isinstance(first, Fitted), first
    assert isinstance(first.tally, NumberTally)
    labels = np.array(steps(2_000)[1], float)
    assert first.tally.metrics["gate_champion_mae"] == pytest.approx(np.abs(labels[-20:] - np.median(labels[:-20])).mean())
    assert first.tally.wins > first.tally.losses


@pytest.mark.parametrize("challengers", [(), (HAT,)])
def test_a_recipe_of_the_online_logistic_regression_fails_and_says_why(challengers):
    for held in (True, False):
        failed = contested(Recipe(family=LR, challengers=challengers), held=held)
        assert isinstance(failed, Failed)
        assert failed.reason == "ValueError: online_logistic_regression does not answer with numbers"


def test_a_challenger_of_classes_only_has_no_part():
    fresh = contested(Recipe(family=Family.LINEAR, challengers=(LR,)))
    assert isinstance(fresh, Fitted), fresh
    assert fresh.parameters["family"] == Family.LINEAR
    assert not any(name.startswith(LR) for name in (*fresh.metrics, *fresh.parameters))


def test_the_run_of_a_stream_of_numbers_says_that_the_family_is_of_classes_only(make_world):
    world = make_world(recipe=Recipe(family=LR), numbers=True)
    world.deliver(*world.label([20] * 10))
    (run,) = [send.event for send in world.deliver(world.request(0, 200, GateKind.MAJORITY)) if isinstance(send.event, TrainingRun)]
    assert run.status is RunStatus.FAILED
    assert "online_logistic_regression does not answer with numbers" in run.reason
