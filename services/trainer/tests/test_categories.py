"""Features that are one of some texts: every family takes them, and its file answers codes as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from edgeloop_mixture.runtime import open_session
from edgeloop_trainer.core.families import CLASSIFIERS, ONLINE, ONLINE_REGRESSORS, REGRESSORS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Fitted
from edgeloop_trainer.core.online_group import GroupAtRow, OnlineBatch, OnlineSpec
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.categories import Indicators
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.online_models import OnlineModel, OnlineModels

ROWS = 1_500
COUNTS = (0, 6, 0, 3)
WET = (1, 4)


def rows(count: int = ROWS, seed: int = 0) -> np.ndarray:
    """Feature 1 tells the label, by no order of its codes; it is missing or unknown now and then, as feature 0 is."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(count, 4)).astype(np.float32)
    found[:, 1] = rng.integers(-1, 6, count)
    found[:, 3] = rng.integers(0, 3, count)
    found[rng.random(count) < 0.05, 1] = np.nan
    found[rng.random(count) < 0.05, 0] = np.nan
    return found


def truth(features: np.ndarray, *, numbers: bool) -> np.ndarray:
    wet = np.isin(features[:, 1], WET)
    return wet * 5.0 + np.nan_to_num(features[:, 0]) * 0.1 if numbers else wet.astype(np.int64)


def job(family: Family, *, numbers: bool, **fields: Any) -> FitJob:
    features = rows(ROWS if family in ONLINE else 500)
    classes = () if numbers else ("dry", "wet")
    return FitJob("digest", features, truth(features, numbers=numbers), classes, None, Recipe(family), categories=COUNTS, **fields)


def file_of(family: Family, *, numbers: bool) -> bytes:
    """A fitted or learned model's file; parity with what it was made from has been checked."""
    given = job(family, numbers=numbers)
    if family in ONLINE:
        group = given.recipe.online_group("t/s", 4, numbers=numbers, categories=COUNTS)
        assert group
        models = OnlineModels()
        labels = tuple(f"{label:g}" if numbers else given.classes[label] for label in given.labels.tolist())
        models.learn(OnlineBatch(group, 1, ROWS, given.features, labels, begin=True))
        result = fit(job(family, numbers=numbers, online=GroupAtRow(group, ROWS)), models)
    else:
        result = fit(given)
    assert isinstance(result, Fitted), result
    return result.onnx


FAMILIES = [(family, False) for family in sorted(CLASSIFIERS | ONLINE)] + [(f, True) for f in sorted(REGRESSORS | ONLINE_REGRESSORS)]


@pytest.mark.parametrize(("family", "numbers"), FAMILIES)
def test_every_family_tells_categories_apart_and_answers_unknown_ones(family: Family, *, numbers: bool) -> None:
    file = file_of(family, numbers=numbers)
    session = open_session(file)
    fresh = rows(300, seed=5)

    def answers(given: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(["prediction" if numbers else "label"], {"input": given})[0])

    expected = truth(fresh, numbers=numbers)
    if numbers:
        assert np.abs(answers(fresh) - expected).mean() < 0.5 * np.abs(np.median(expected) - expected).mean()
    else:
        assert (answers(fresh) == expected).mean() > 0.9
    (given,) = onnx.load_model_from_string(file).graph.input
    assert given.type.tensor_type.shape.dim[1].dim_value == 4
    strange = np.repeat(fresh[:1], 6, axis=0)
    strange[:, 1] = [-1, 6, 1e9, -7, np.nan, 0.5]
    strange[:, 3] = [99, -1, np.nan, 2, 3, -3]
    assert np.isfinite(answers(strange)).all()
    # What came later than the fit is another text, as it was to the fit.
    assert answers(strange[1:2])[0] == answers(np.where(strange[1:2] == 6, np.float32(-1), strange[1:2]))[0]


@pytest.mark.parametrize("step", [Indicators(COUNTS), Indicators((2, 2))])
def test_the_step_in_the_file_is_the_step_of_the_fit(step: Any) -> None:
    width = len(step.categories)
    given = rows(100)[:, [1, 3][:width] if width == 2 else slice(None)]
    outputs = [onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ["N", len(step.columns)])]
    inputs = [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["N", len(step.columns)])]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["input"], ["out"])], "g", inputs, outputs)
    plain = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8).SerializeToString()
    (found,) = open_session(step.before(plain)).run(["out"], {"input": given})
    np.testing.assert_array_equal(found, step.transform(given))
    assert found.dtype == np.float32


def test_without_categories_nothing_changes() -> None:
    given = job(Family.EXTRA_TREES, numbers=False)
    one = fit(FitJob("d", given.features, given.labels, given.classes, None, given.recipe))
    assert isinstance(one, Fitted)
    assert [node.op_type for node in onnx.load_model_from_string(one.onnx).graph.node] == ["Imputer", "TreeEnsembleClassifier"]


def test_an_online_model_of_categories_is_told_by_its_rows_alone() -> None:
    spec, features = OnlineSpec(Family.HOEFFDING_ADAPTIVE_TREE, 1, 0), rows()
    labels = tuple(map(str, truth(features, numbers=False).tolist()))
    one, other = OnlineModel(spec, 4, COUNTS), OnlineModel(spec, 4, COUNTS)
    one.learn(features, labels)
    other.learn(features[:100], labels[:100])
    other.learn(features[100:], labels[100:])
    assert one.export() == other.export()
