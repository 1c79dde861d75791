"""One fit: parity, equal bytes in every process, and rows that are hard to fit on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import skl2onnx
from edgeloop_mixture.runtime import onnxruntime
from edgeloop_trainer.core.families import CLASSIFIERS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.estimators import pipeline
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.forest_export import OPSETS
from edgeloop_trainer.io.onnx_export import ParityError, check_parity, export, probes
from skl2onnx.common.data_types import FloatTensorType

CLASSES = ("a", "b", "c")


def job(rows: int = 300, classes: int = 3, family: Family = Family.EXTRA_TREES) -> FitJob:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    labels = np.digitize(features[:, 0] + features[:, 1], [-0.5, 0.5][: classes - 1]).astype(np.int64)
    return FitJob("digest", features, labels, CLASSES[:classes], None, Recipe(family))


@pytest.mark.parametrize("family", sorted(CLASSIFIERS))
@pytest.mark.parametrize("classes", [2, 3])
def test_every_family_becomes_a_file_that_keeps_the_contract(family, classes):
    given = job(classes=classes, family=family)
    fitted = fit(given)
    assert isinstance(fitted, Fitted), fitted
    assert fitted.digest == hashlib.sha256(fitted.onnx).hexdigest()
    session = onnxruntime.InferenceSession(fitted.onnx)
    assert [(i.name, i.type, i.shape[1]) for i in session.get_inputs()] == [("input", "tensor(float)", 5)]
    assert [(o.name, o.type) for o in session.get_outputs()] == [("label", "tensor(int64)"), ("probabilities", "tensor(float)")]
    label, probabilities = session.run(None, {"input": given.features})
    assert label.shape == (300,)
    assert probabilities.shape == (300, classes)
    assert (label == given.labels).mean() > 0.8


def test_two_processes_make_the_same_bytes():
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_fit import job; from edgeloop_trainer.io.fit import fit; from edgeloop_trainer.core.families import CLASSIFIERS
print(*(fit(job(family=family)).digest for family in sorted(CLASSIFIERS)))"""
    environment = {**os.environ, "PYTHONHASHSEED": "53", "OMP_NUM_THREADS": "1"}  # a seed by which skl2onnx orders otherwise
    other = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).splitlines()[-1].split()
    assert other == [fit(job(family=family)).digest for family in sorted(CLASSIFIERS)]
    assert len(set(other)) == len(CLASSIFIERS)


@pytest.mark.parametrize("family", [Family.EXTRA_TREES, Family.RANDOM_FOREST])
@pytest.mark.parametrize("classes", [2, 3])
def test_forests_answer_exactly_as_the_file_of_skl2onnx_does(family, classes):
    given = job(classes=classes, family=family)
    model = pipeline(given.recipe).fit(given.features, given.labels)
    given_type = [("input", FloatTensorType([None, 5]))]
    theirs = skl2onnx.convert_sklearn(model, initial_types=given_type, options={"zipmap": False}, target_opset=OPSETS)
    ours = export(model, 5)
    onnx.checker.check_model(onnx.load_model_from_string(ours))
    rows = probes(np.concatenate([given.features, np.random.default_rng(2).normal(size=(2_000, 5)).astype(np.float32)]))
    files = (ours, theirs.SerializeToString())
    one, other = (onnxruntime.InferenceSession(file).run(["label", "probabilities"], {"input": rows}) for file in files)
    assert (one[0] == other[0]).all()
    assert (one[1] == other[1]).all()


def test_rows_of_one_class_give_a_model_that_always_answers_it():
    given = job()
    fitted = fit(replace(given, labels=given.labels * 0, classes=("a",)))
    assert isinstance(fitted, Fitted), fitted
    labels, probabilities = onnxruntime.InferenceSession(fitted.onnx).run(["label", "probabilities"], {"input": given.features})
    assert (labels == 0).all()
    assert probabilities.shape == (len(given.features), 1)
    assert (probabilities == 1).all()


def test_a_model_of_one_class_does_not_beat_the_majority_class():
    given = job()
    held = np.arange(len(given.labels)) % 5 == 0
    fitted = fit(replace(given, labels=given.labels * 0, classes=("a",), held=held))
    assert isinstance(fitted, Fitted), fitted
    assert fitted.tally.wins == 0


@pytest.mark.parametrize("family", sorted(CLASSIFIERS))
def test_constant_features_fit(family):
    given = job(family=family)
    assert isinstance(fit(replace(given, features=np.ones_like(given.features))), Fitted)


@pytest.mark.parametrize("family", sorted(CLASSIFIERS))
def test_missing_values_and_a_column_without_any_value_fit(family):
    given = job(family=family)
    features = given.features.copy()
    features[:, 3] = np.nan
    features[::7, 4] = np.nan
    assert isinstance(fit(replace(given, features=features)), Fitted)


@pytest.mark.parametrize("family", sorted(CLASSIFIERS))
def test_ten_rows_fit(family):
    assert isinstance(fit(job(rows=10, family=family)), Fitted)


def test_infinite_values_fail_with_a_reason():
    given = job()
    features = given.features.copy()
    features[0, 0] = np.inf
    failed = fit(replace(given, features=features))
    assert isinstance(failed, Failed)
    assert "infinity" in failed.reason


def test_a_challenger_is_compared_with_the_majority_class_of_the_older_rows():
    given = job()
    held = np.arange(300) >= 240
    tally = fit(replace(given, held=held)).tally
    assert tally.judged == 60
    assert tally.wins > tally.losses


def test_older_rows_of_one_class_give_no_lead():
    given = job(rows=20)
    labels = np.array([0] * 16 + [1] * 4)
    tally = fit(replace(given, labels=labels, classes=("a", "b"), held=np.arange(20) >= 16)).tally
    assert (tally.wins, tally.losses, tally.judged) == (0, 0, 4)


def test_a_file_that_answers_otherwise_is_found():
    from sklearn.tree import DecisionTreeClassifier

    given = job()
    models = [DecisionTreeClassifier(max_depth=depth).fit(given.features, given.labels) for depth in (1, 5)]
    with pytest.raises(ParityError, match="labels differ"):
        check_parity(models[0], export_plain(models[1]), given.features)


def export_plain(tree) -> bytes:
    from sklearn.pipeline import Pipeline

    return export(Pipeline([("model", tree)]), 5)
