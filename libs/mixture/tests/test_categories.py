"""Features that are one of some texts, as rows carry them: by index, -1 for another text, NaN for none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edgeloop_contracts import AdapterMember, ModelFile
from edgeloop_mixture import serialization
from edgeloop_mixture.columns import EACH, MOST, columns, select_columns
from edgeloop_mixture.learner import Learner
from edgeloop_mixture.rule import Memory, Rule
from edgeloop_mixture.session import MixtureSession
from onnx import TensorProto, helper

RULE = Rule(memories=(Memory(20, 3), Memory(60, 5)), features=6)
COUNTS = (0, 4, 0, 2)


def constant(width: int) -> bytes:
    """A model that finds both classes equally likely."""
    nodes = [
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero", "one"], ["rows"]),
        helper.make_node("Concat", ["rows", "two"], ["table"], axis=0),
        helper.make_node("ConstantOfShape", ["table"], ["probabilities"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5])),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", width])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in (("zero", 0), ("one", 1), ("two", 2))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def stream(rows: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """The label is told by the category of feature 1 alone, and by no order of its codes."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 4)).astype(np.float32)
    features[:, 1] = rng.integers(-1, 4, rows)
    features[:, 3] = rng.integers(0, 2, rows)
    features[rng.random(rows) < 0.05, 1] = np.nan
    return features, ["wet" if code in (0, 2) else "dry" for code in features[:, 1].tolist()]


@pytest.fixture
def learner() -> Learner:
    member = AdapterMember(version=1, file=ModelFile(digest="m"), classes=("dry", "wet"))
    features, labels = stream(400)
    return Learner.begin(RULE, member, ("dry", "wet"), features, labels, categories=COUNTS)


def test_a_mixture_looks_at_whether_a_row_has_a_category(learner: Learner) -> None:
    looked = learner.frame.scaling.features.tolist()
    assert set(looked[:2]) == {1 + 4 * 1, 1 + 4 * 3}  # categories 0 and 2 of feature 1 tell most
    assert 1 not in looked
    assert 3 not in looked


def test_its_answers_are_right_where_those_of_codes_as_numbers_are_not(learner: Learner) -> None:
    rows, labels = stream(200, seed=3)

    def right(one: Learner) -> float:
        session = MixtureSession(one.frame, [constant(4)], RULE)
        adapter = one.adapter
        answers, _ = session.answer(rows, session.feeds(adapter, one.memory.window(adapter.memory_end, RULE.horizon)))
        return float(np.mean([answer == label for answer, label in zip(answers, labels, strict=True)]))

    features, known = stream(400)
    as_numbers = Learner.begin(RULE, learner.frame.members[0], ("dry", "wet"), features, known)
    assert right(learner) > 0.97
    assert right(learner) > right(as_numbers)


def test_the_graph_sees_the_scores_that_the_learner_sees(learner: Learner) -> None:
    session = MixtureSession(learner.frame, [constant(4)], RULE)
    rows = stream(50, seed=7)[0]
    rows[0, [1, 3]] = 99, -7  # no category at all
    adapter = learner.adapter
    experts = session.experts(rows, session.feeds(adapter, learner.memory.window(adapter.memory_end, RULE.horizon)))
    scores = np.append(learner.frame.scaling.scores(rows), np.ones((50, 1), np.float32), axis=1)
    sums = np.exp(scores.astype(np.float64) @ adapter.coefficients.T)
    expected = np.log((1 - RULE.floor) * sums / sums.sum(axis=1, keepdims=True) + RULE.floor / 2)
    np.testing.assert_allclose(experts[:, 1], expected, atol=2e-5)


def test_a_frame_comes_back_from_its_event(learner: Learner) -> None:
    event = serialization.frame_event("default", "s", learner.frame)
    again = serialization.frame_of(event)
    rows = stream(20, seed=9)[0]
    assert again.scaling.scores(rows).tobytes() == learner.frame.scaling.scores(rows).tobytes()
    with pytest.raises(serialization.PackedError, match="numbers of columns"):
        serialization.frame_of(replace(event, features=(*event.features[:-1], 4 * (1 + EACH))))


def test_columns_are_bounded_and_every_feature_has_one() -> None:
    many = columns((1_000,) * 4_000, 4_000)
    assert len(many) <= MOST
    assert set((many % 4_000).tolist()) == set(range(4_000))
    assert len(columns((1_000, 0), 2)) == 1 + EACH
    assert (
        select_columns(np.array([[EACH, 1]], np.float32), columns((1_000, 0), 2)).sum() == 1
    )  # only the number: no column for category 64
