"""The graph against plain numpy; what a late label may know; events there and back."""

from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from edgeloop_contracts import AdapterMember, ModelFile
from edgeloop_mixture import serialization
from edgeloop_mixture.graph import PROBABILITIES, bounded, checked
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.memory import MemoryRows
from edgeloop_mixture.rule import Memory, Rule
from edgeloop_mixture.session import MixtureSession
from onnx import TensorProto, helper, numpy_helper

RULE = Rule(memories=(Memory(20, 3), Memory(60, 3)), publish_every=10)


def softmax_model(width: int, classes: int, seed: int) -> tuple[bytes, np.ndarray]:
    matrix = np.random.default_rng(seed).normal(size=(width, classes)).astype(np.float32)
    nodes = [
        helper.make_node("IsNaN", ["input"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "input"], ["filled"]),
        helper.make_node("MatMul", ["filled", "matrix"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["sums"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes]),
        ],
        [numpy_helper.from_array(matrix, "matrix"), numpy_helper.from_array(np.array(0, np.float32), "zero")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(), matrix


def stream(rows: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 4)).astype(np.float32)
    features[rng.random(features.shape) < 0.05] = np.nan
    features[:, 3] = 1.5
    labels = ["abc"[int(np.nan_to_num(row[0]) > 0) + int(np.nan_to_num(row[1]) > 1)] for row in features]
    return features, labels


@pytest.fixture
def begun():
    features, labels = stream(100)
    model, matrix = softmax_model(4, 2, seed=1)
    member = AdapterMember(version=1, file=ModelFile(digest="m"), classes=("b", "a"))
    learner = Learner.begin(RULE, member, ("a", "b", "c"), features, labels)
    return learner, model, matrix, features, labels


def by_hand(learner: Learner, matrix: np.ndarray, adapter, row: np.ndarray, rule: Rule) -> np.ndarray:
    """What each expert says, [K, C]."""
    classes, scaling = len(learner.frame.classes), learner.frame.scaling
    sums = np.nan_to_num(row) @ matrix
    forest = np.zeros(classes)
    for place, name in enumerate(learner.frame.members[0].classes):
        forest[learner.frame.classes.index(name)] = np.exp(sums[place]) / np.exp(sums).sum()
    scores = scaling.scores(row[None])[0].astype(np.float64)
    linear = np.exp(adapter.coefficients @ np.append(scores, 1))
    said = [forest, linear / linear.sum()]
    window = learner.memory.window(adapter.memory_end, rule.horizon)
    steps = scaling.steps(row[None])[0].astype(np.int64)
    for memory in rule.memories:
        rows, labels = window.rows.T[-memory.rows :].astype(np.int64), window.labels[-memory.rows :]
        squares = ((rows - steps) ** 2).sum(axis=1)
        votes = np.zeros(classes)
        for place in np.argsort(squares, kind="stable")[: memory.neighbours]:
            votes[labels[place]] += 1 / (np.sqrt(squares[place]) + 0.01)
        said.append(votes / votes.sum())
    return np.log((1 - rule.floor) * np.array(said) + rule.floor / classes)


def test_the_graph_says_what_a_calculation_by_hand_says(begun) -> None:
    learner, model, matrix, _, _ = begun
    session = MixtureSession(learner.frame, [model], RULE)
    rows, _ = stream(40, seed=5)
    adapter = learner.adapter
    feeds = session.feeds(adapter, learner.memory.window(adapter.memory_end, RULE.horizon))
    experts = session.experts(rows, feeds)
    answers, probabilities = session.answer(rows, feeds)
    for n, row in enumerate(rows):
        expected = by_hand(learner, matrix, adapter, row, RULE)
        np.testing.assert_allclose(experts[n], expected, atol=2e-5)
        assert answers[n] == learner.frame.classes[int(adapter.sums(expected).argmax())]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_few_rows_vote_as_far_as_they_go(count: int) -> None:
    features, labels = stream(count, seed=2)
    model, matrix = softmax_model(4, 2, seed=1)
    learner = Learner.begin(RULE, AdapterMember(version=1, classes=("b", "a")), ("a", "b", "c"), features, labels)
    session = MixtureSession(learner.frame, [model], RULE)
    rows = stream(20, seed=5)[0]
    rows[0] = np.inf
    experts = session.experts(rows, session.feeds(learner.adapter, learner.memory.window(count, RULE.horizon)))
    for n, row in enumerate(rows[1:], start=1):
        np.testing.assert_allclose(experts[n], by_hand(learner, matrix, learner.adapter, row, RULE), atol=2e-5)
    assert np.isfinite(experts[0, 1:]).all()


def test_without_memories_the_graph_answers_with_what_is_left(begun) -> None:
    learner, model, _, features, _ = begun
    session = MixtureSession(learner.frame, [model], RULE, memories=False)
    feeds = session.feeds(learner.adapter, learner.memory.window(0, 1))
    assert session.experts(features[:3], feeds).shape == (3, 2, 3)


def test_a_mixture_learns_what_its_first_member_does_not_know(begun) -> None:
    learner, model, _, _, _ = begun
    session = MixtureSession(learner.frame, [model], RULE)
    features, labels = stream(400, seed=9)
    adapter = learner.publish()
    right = []
    for row, label in zip(features, labels, strict=True):
        feeds = session.feeds(adapter, learner.memory.window(adapter.memory_end, RULE.horizon))
        (answer,), _ = session.answer(row[None], feeds)
        right.append(answer == label)
        if learner.learn(Labelled(row, label, answer, 1, adapter.number), session.experts(row[None], feeds)[0]):
            adapter = learner.publish()
    assert np.mean(right[200:]) > 0.8
    assert learner.alone == 0


def test_a_late_label_is_learned_from_with_the_memories_that_answered_its_row(begun) -> None:
    learner, *_ = begun
    then = learner.publish()
    features, labels = stream(30, seed=3)
    experts = np.zeros((4, 3), np.float32)
    for row, label in zip(features, labels, strict=True):
        learner.learn(Labelled(row, label, label, 1, then.number), experts)
    learner.publish()
    adapter, window = learner.answering_window(then.number)
    assert adapter.memory_end == then.memory_end
    np.testing.assert_array_equal(window.rows, learner.memory.window(100, RULE.horizon).rows)
    np.testing.assert_array_equal(adapter.coefficients, then.coefficients)


@pytest.mark.parametrize("late", [0, 200])
def test_a_bias_that_says_nothing_of_the_rows_it_answers_loses_its_weight(begun, late: int) -> None:
    learner, *_ = begun
    experts, row = np.full((4, 3), np.log(1 / 3), np.float32), np.zeros(4, np.float32)
    waiting: deque[Labelled] = deque()
    adapter = learner.publish()
    for number in range(3_000):  # labels come in runs of 200, and features tell nothing
        waiting.append(Labelled(row, "abc"[number // 200 % 3], "a", 1, adapter.number))
        if len(waiting) > late and learner.learn(waiting.popleft(), experts):
            adapter = learner.publish()
    assert learner.weights[-1] < 0.1 if late else learner.weights[-1] > 0.5


def test_at_the_beginning_nothing_outvotes_the_first_version(begun) -> None:
    learner, *_ = begun
    weights = learner.adapter.weights
    assert weights[0] > weights[1:-1].sum()
    assert weights[:-1].sum() == pytest.approx(RULE.total)
    assert weights[-1] == 1


def test_a_label_that_is_later_than_the_memories_reach_back_meets_the_oldest_rows_that_are_left(begun) -> None:
    learner, model, *_ = begun
    then = learner.publish()
    features, labels = stream(300, seed=3)
    learner.memory = MemoryRows(3, keep=100)
    for first in range(0, 300, 50):
        rows = slice(first, first + 50)
        numbers = np.array([learner.frame.classes.index(label) for label in labels[rows]])
        learner.memory.append(learner.frame.scaling.steps(features[rows]), numbers)
    assert learner.memory.span(290, 60) == (230, 290)
    assert learner.memory.span(then.memory_end, 60) == (240, 300)
    _, window = learner.answering_window(then.number)
    assert len(window.labels) == 60
    session = MixtureSession(learner.frame, [model], RULE)
    assert np.isfinite(session.experts(features[:1], session.feeds(then, window))).all()


def test_a_mixture_of_the_newest_rows_goes_by_the_number_of_all(begun) -> None:
    features, labels = stream(10)
    learner = Learner.begin(RULE, AdapterMember(version=1, classes=("a", "b")), (), features, labels, rows=500)
    assert (learner.frame.number, learner.publish().number, learner.memory.end) == (500, 500, 10)


def test_a_new_class_and_a_new_version_widen_the_mixture(begun) -> None:
    learner, *_ = begun
    learner.publish()
    newcomer = AdapterMember(version=2, classes=("a", "e"))
    row = Labelled(np.zeros(4, np.float32), "d", "a", 2, 0)
    assert learner.prepare([row], newcomer)
    assert learner.frame.classes == ("b", "a", "c", "e", "d")
    assert [member.version for member in learner.frame.members] == [1, 2]
    assert len(learner.weights) == 6 and learner.weights[1] == RULE.newcomer
    adapter, _ = learner.answering_window(100)
    assert adapter.weights[1] == 0 and len(adapter.bias) == 5
    assert not learner.prepare([row], newcomer)


def failing_model(classes: int) -> bytes:
    """Gives no number where the first feature is below zero, and minus infinity at zero."""
    nodes = [
        helper.make_node("Slice", ["input", "start", "end", "axis"], ["first"]),
        helper.make_node("Log", ["first"], ["logarithm"]),
        helper.make_node("Expand", ["logarithm", "shape"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    constants = {"start": [0], "end": [1], "axis": [1], "shape": [1, classes]}
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 4])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes]),
        ],
        [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_member_that_gives_no_number_says_nothing_of_that_row_and_spoils_neither_answers_nor_what_is_learned(begun) -> None:
    learner, model, matrix, _, _ = begun
    learner.prepare([], AdapterMember(version=2, classes=("a", "b")))
    session = MixtureSession(learner.frame, [model, failing_model(2)], RULE)
    adapter = learner.publish()
    feeds = session.feeds(adapter, learner.memory.window(adapter.memory_end, RULE.horizon))
    rows = np.nan_to_num(stream(60, seed=5)[0])
    rows[:3, 0] = -1, 0, np.inf
    answers, probabilities = session.answer(rows, feeds)
    assert np.isfinite(probabilities).all()
    for row, answer in zip(rows, answers, strict=True):
        said = session.experts(row[None], feeds)[0]
        assert np.isfinite(said).all()
        if row[0] <= 0:  # no word of the second member
            others = by_hand(learner, matrix, adapter, row, RULE)
            left = replace(adapter, weights=np.delete(adapter.weights, 1))
            assert answer == learner.frame.classes[int(left.sums(others).argmax())]
        learner.learn(Labelled(row, "a", answer, 2, adapter.number), said)
    for learned in (learner.weights, learner.bias, learner.coefficients):
        assert np.isfinite(learned).all()


def tree_model(weights: list[float], **attributes: object) -> bytes:
    """Two trees of one leaf each, of three classes."""
    leaves = len(weights)
    shape: dict[str, object] = {
        "nodes_treeids": [0, 1],
        "nodes_nodeids": [0, 0],
        "nodes_featureids": [0, 0],
        "nodes_modes": ["LEAF", "LEAF"],
        "nodes_values": [0.0, 0.0],
        "nodes_truenodeids": [0, 0],
        "nodes_falsenodeids": [0, 0],
        "class_treeids": [number % 2 for number in range(leaves)],
        "class_nodeids": [0] * leaves,
        "class_ids": [number // 2 for number in range(leaves)],
        "class_weights": weights,
        "classlabels_int64s": [0, 1, 2],
    }
    node = helper.make_node("TreeEnsembleClassifier", ["input"], ["label", "probabilities"], domain="ai.onnx.ml", **shape | attributes)
    graph = helper.make_graph([node], "trees", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 4])], [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3]),
    ])  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (tree_model([0.5, 0.2, 0.0, 0.3], post_transform="NONE"), True),
        (tree_model([0.5, 0.2, 0.0, 0.3], post_transform="SOFTMAX"), False),
        (tree_model([0.5, 0.2], base_values=[np.nan, 0.0, 0.0]), False),
        (tree_model([0.5, np.nan]), False),
        (tree_model([0.5, -0.1]), False),
        (tree_model([0.5, 0.7]), False),
        (softmax_model(4, 2, seed=1)[0], False),
        (failing_model(2), False),
    ],
)
def test_only_of_plain_trees_it_is_known_beforehand_that_they_always_give_probabilities(model: bytes, expected: bool) -> None:
    assert bounded(checked(model, 4, PROBABILITIES)) is expected


def test_the_first_version_is_never_dropped(begun) -> None:
    learner, *_ = begun
    for version in range(2, 8):
        learner.weights[0] = 0
        learner.prepare([], AdapterMember(version=version, file=ModelFile(digest=f"m{version}"), classes=("a", "b")))
    assert len(learner.frame.members) == RULE.members
    assert learner.frame.members[0].version == 1


def test_a_version_that_is_the_file_of_a_member_takes_its_place_and_keeps_the_larger_weight(begun) -> None:
    learner, *_ = begun
    for version, digest in ((2, "m2"), (3, "m3")):
        learner.prepare([], AdapterMember(version=version, file=ModelFile(digest=digest), classes=("a", "b")))
    learner.weights[:3] = 0.5, 0.9, 0.1
    learner.prepare([], AdapterMember(version=4, file=ModelFile(digest="m2"), classes=("a", "b")))
    assert [member.version for member in learner.frame.members] == [1, 3, 4]
    assert learner.weights[:3].tolist() == [0.5, 0.1, 0.9]
    learner.prepare([], AdapterMember(version=5, file=ModelFile(digest="m"), classes=("a", "b")))
    assert [member.version for member in learner.frame.members] == [1, 3, 4, 5]  # the first one stays what it is


def test_frames_adapters_and_blocks_survive_the_way_through_events(begun) -> None:
    learner, *_ = begun
    adapter = learner.publish()
    frame = serialization.frame_of(serialization.frame_event("t", "s", learner.frame))
    window = learner.memory.window(adapter.memory_end, RULE.horizon)
    event = serialization.adapter_event("t", "s", learner.frame, adapter, window)
    again = serialization.adapter_of(event, frame)
    np.testing.assert_array_equal(again.weights, adapter.weights)
    np.testing.assert_array_equal(again.coefficients, adapter.coefficients)
    received = MemoryRows(len(frame.scaling.features), RULE.horizon, first=0)
    sent = list(serialization.blocks("t", "s", frame.number, learner.memory, 0, RULE.horizon))
    received = MemoryRows(len(frame.scaling.features), RULE.horizon, first=sent[0].first)
    for block in sent:
        received.append(*serialization.rows_of(block, len(frame.scaling.features)))
    assert serialization.digest(event, frame, received.window(adapter.memory_end, RULE.horizon)) == event.digest
    slots = {serialization.slot(block, RULE.horizon) for block in sent}
    assert len(slots) == len(sent)


def test_an_adapter_that_does_not_fit_its_frame_is_refused(begun) -> None:
    learner, *_ = begun
    adapter = learner.publish()
    event = serialization.adapter_event("t", "s", learner.frame, adapter, learner.memory.window(100, 60))
    frame = serialization.frame_of(serialization.frame_event("t", "s", learner.frame))
    learner.prepare([], AdapterMember(version=2, classes=("a", "b")))
    learner.rows += 1
    learner.prepare([], AdapterMember(version=3, classes=("a", "b")))
    with pytest.raises(serialization.PackedError, match="frame: expected"):
        serialization.adapter_of(event, learner.frame)
    assert serialization.adapter_of(event, frame).number == 100


def test_a_member_tells_what_it_answers_alone_and_one_that_is_none_what_the_mixture_does(begun) -> None:
    learner, model, matrix, _, _ = begun
    session = MixtureSession(learner.frame, [model], RULE)
    rows, _ = stream(200, seed=7)
    adapter = learner.adapter
    feeds = session.feeds(adapter, learner.memory.window(adapter.memory_end, RULE.horizon))
    answers, probabilities = session.answer(rows, feeds)
    texts, values, alone = session.answer_with_alone(rows, feeds, 1)
    own = [learner.frame.members[0].classes[place] for place in (np.nan_to_num(rows) @ matrix).argmax(axis=1)]
    assert alone == own != answers == texts
    np.testing.assert_array_equal(values, probabilities)
    assert session.answer_with_alone(rows, feeds, 2)[2] == answers
    for n, row in enumerate(rows[:20]):
        assert session.answer_one(row[None], feeds, 1)[::2] == (answers[n], own[n])
