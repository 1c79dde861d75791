"""Mixtures of streams whose labels are numbers: the graph against plain numpy, what is learned, events there and back."""

from dataclasses import replace

import numpy as np
import pytest
from edgeloop_contracts import AdapterMember, ModelFile
from edgeloop_mixture import serialization
from edgeloop_mixture.graph import PREDICTION, GraphError, checked
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.memory import MemoryRows
from edgeloop_mixture.rule import Memory, Rule
from edgeloop_mixture.session import MixtureSession
from edgeloop_mixture.target import FARTHEST, FENCE, Numbers
from onnx import TensorProto, helper, numpy_helper

RULE = Rule(memories=(Memory(20, 3), Memory(60, 3)), publish_every=10)
SLOPES = np.array([[3.0], [-1.0], [0.5], [0.0]], np.float32)


def sum_model(slopes: np.ndarray = SLOPES, offset: float = 50.0) -> bytes:
    """A weighted sum of the features; NaN where one is missing."""
    nodes = [
        helper.make_node("MatMul", ["input", "slopes"], ["sums"]),
        helper.make_node("Add", ["sums", "offset"], ["moved"]),
        helper.make_node("Reshape", ["moved", "flat"], ["prediction"]),
    ]
    constants = {"slopes": slopes, "offset": np.array(offset, np.float32), "flat": np.array([-1])}
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def stream(rows: int, seed: int = 0, *, turned: bool = False) -> tuple[np.ndarray, list[str]]:
    """Rows of which the model knows the truth, unless the world has turned."""
    features = np.random.default_rng(seed).normal(size=(rows, 4)).astype(np.float32)
    numbers = (features @ SLOPES)[:, 0] * (-1 if turned else 1) + 50
    return features, [str(number) for number in numbers.tolist()]


def begin(rows: int = 100, seed: int = 0) -> Learner:
    features, labels = stream(rows, seed)
    return Learner.begin(RULE, AdapterMember(version=1, file=ModelFile(digest="m")), (), features, labels, tolerance=0.5)


def feeds_of(session: MixtureSession, learner: Learner, adapter):
    return session.feeds(adapter, learner.memory.window(adapter.memory_end, RULE.horizon))


def by_hand(learner: Learner, adapter, row: np.ndarray) -> np.ndarray:
    """What each expert says, in deviations from the centre, [K]."""
    numbers, scaling = learner.frame.numbers, learner.frame.scaling
    assert numbers is not None
    scores = scaling.scores(row[None])[0].astype(np.float64)
    said = [(float(row @ SLOPES[:, 0]) + 50 - numbers.centre) / numbers.deviation, float(adapter.coefficients[0] @ np.append(scores, 1))]
    window = learner.memory.window(adapter.memory_end, RULE.horizon)
    steps = scaling.steps(row[None])[0].astype(np.int64)
    for memory in RULE.memories:
        rows, labels = window.rows.T[-memory.rows :].astype(np.int64), window.labels[-memory.rows :]
        squares = ((rows - steps) ** 2).sum(axis=1)
        nearest = np.argsort(squares, kind="stable")[: memory.neighbours]
        said.append(float(np.average(labels[nearest], weights=1 / (np.sqrt(squares[nearest]) + 0.01))))
    return np.array(said)


def play(learner: Learner, features: np.ndarray, labels: list[str], *, late: int = 0) -> tuple[np.ndarray, list[int]]:
    """Absolute errors of answers to rows whose labels come ``late`` rows later, and the numbers of the adapters."""
    session = MixtureSession(learner.frame, [sum_model()], RULE)
    adapters = [learner.publish()]
    waiting: list[Labelled] = []
    errors = []
    for row, label in zip(features, labels, strict=True):
        (answer,), values = session.answer(row[None], feeds_of(session, learner, adapters[-1]))
        errors.append(abs(float(values[0]) - float(label)))
        waiting.append(Labelled(row, label, answer, 1, adapters[-1].number))
        if len(waiting) > late:
            due = waiting.pop(0)
            assert not learner.prepare([due])
            then = feeds_of(session, learner, learner.answering_adapter(due.adapter))
            if learner.learn(due, session.experts(due.features[None], then)[0]):
                adapters.append(learner.publish())
    return np.array(errors), [adapter.number for adapter in adapters]


def test_the_graph_says_what_a_calculation_by_hand_says() -> None:
    learner = begin()
    numbers = learner.frame.numbers
    assert numbers is not None
    session = MixtureSession(learner.frame, [sum_model()], RULE)
    rows, _ = stream(40, seed=5)
    adapter = learner.adapter
    feeds = feeds_of(session, learner, adapter)
    texts, values = session.answer(rows, feeds)
    experts = session.experts(rows, feeds)
    for n, row in enumerate(rows):
        said = by_hand(learner, adapter, row)
        np.testing.assert_allclose(experts[n, :, 0], said, atol=2e-5)
        expected = numbers.centre + numbers.deviation * float(adapter.sums(said[:, None])[0])
        assert values[n] == pytest.approx(expected, abs=1e-3)
        assert float(texts[n]) == pytest.approx(float(values[n]), rel=1e-6)
        assert session.answer_one(row[None], feeds, 0)[0] == session.answer(row[None], feeds)[0][0]


def test_weights_are_shares_whoever_takes_part() -> None:
    learner = begin()
    assert learner.weights[:-1].sum() == pytest.approx(1)
    for version in range(2, 8):
        learner.prepare([], AdapterMember(version=version, file=ModelFile(digest=f"m{version}")))
        assert learner.weights[:-1].sum() == pytest.approx(1)
        assert learner.weights[-1] == 0
    assert [member.version for member in learner.frame.members] == [1, 5, 6, 7]
    without = MixtureSession(begin().frame, [sum_model()], RULE, memories=False)
    adapter = replace(begin().adapter, weights=np.array([0.0, 0.0, 0.5, 0.5, 0.0]))  # all weight is with memories that are not there
    rows, labels = stream(5, seed=3)
    answers = without.answer(rows, without.feeds(adapter, learner.memory.window(0, 1)))[1]
    np.testing.assert_allclose(answers, [float(label) for label in labels], atol=1e-3)


@pytest.mark.parametrize("late", [0, 50])
def test_a_mixture_follows_a_world_that_has_turned(late: int) -> None:
    learner = begin()
    features, labels = stream(600, seed=9, turned=True)
    errors, adapters = play(learner, features, labels, late=late)
    alone = np.abs((features @ SLOPES)[:, 0] + 50 - np.array([float(label) for label in labels]))
    assert errors[:10].mean() > 0.5 * alone[:10].mean()
    assert errors[300:].mean() < 0.2 * alone[300:].mean()
    assert len(adapters) > 40


def test_where_nothing_changes_the_first_version_goes_on_answering_well() -> None:
    errors, _ = play(begin(), *stream(300, seed=9))
    assert np.median(errors) < 0.5
    assert errors[150:].mean() < errors[:20].mean()


@pytest.mark.parametrize("late", [0, 1, 3])
def test_few_rows_vote_as_far_as_they_go(late: int) -> None:
    learner = begin(rows=2 + late)
    session = MixtureSession(learner.frame, [sum_model()], RULE)
    rows, _ = stream(20, seed=5)
    experts = session.experts(rows, feeds_of(session, learner, learner.adapter))
    numbers = learner.memory.window(learner.memory.end, RULE.horizon).labels
    assert (experts[:, 2:] >= numbers.min() - 1e-3).all()
    assert (experts[:, 2:] <= numbers.max() + 1e-3).all()


@pytest.mark.parametrize("wild", [np.nan, np.inf, -3e38])
def test_a_member_that_gives_no_number_spoils_neither_answers_nor_what_is_learned(wild: float) -> None:
    learner = begin()
    learner.prepare([], AdapterMember(version=2, file=ModelFile(digest="wild")))
    session = MixtureSession(learner.frame, [sum_model(), sum_model(offset=wild)], RULE)
    adapter = learner.publish()
    features, labels = stream(200, seed=4)
    for row, label in zip(features, labels, strict=True):
        feeds = feeds_of(session, learner, adapter)
        answer, said, _ = session.answer_one(row[None], feeds, 0)
        assert np.isfinite(float(answer))
        assert np.abs(said).max() <= FARTHEST
        if learner.learn(Labelled(row, label, answer, 2, adapter.number), said):
            adapter = learner.publish()
    assert np.isfinite(learner.weights).all()
    assert abs(float(answer) - float(label)) < 2  # the weight of the wild one has gone


def test_a_label_that_is_far_off_moves_no_more_than_one_that_is_wrong() -> None:
    features, labels = stream(300, seed=9)
    labels[20::40] = ["1e30"] * len(labels[20::40])
    errors, _ = play(begin(), features, labels)
    sane = errors < 1e20
    assert sane.sum() == 300 - len(labels[20::40])
    assert errors[sane].max() < 5


def test_the_first_version_answers_alone_where_the_mixture_does_worse() -> None:
    learner = begin()
    adapter = learner.publish()
    features, labels = stream(200, seed=9)
    session = MixtureSession(learner.frame, [sum_model()], RULE)
    feeds = feeds_of(session, learner, adapter)
    for row, label in zip(features, labels, strict=True):
        wrong = str(float(label) + 30)  # what the fleet is supposed to have answered
        if learner.learn(Labelled(row, label, wrong, 1, adapter.number), session.experts(row[None], feeds)[0]):
            learner.publish()
    assert learner.alone == 1
    answers = session.answer(features, feeds_of(session, learner, learner.adapter))[1]
    np.testing.assert_allclose(answers, [float(label) for label in labels], atol=1e-4)


@pytest.mark.parametrize(
    ("labels", "centre", "deviation"),
    [(["1", "2", "3", "4", "5"], 3, 1), (["7", "7", "7", "7", "9"], 7, 0.4), (["7", "7"], 7, 0.25), (["1", "2", "3", "4", "1e30"], 3, 1)],
)
def test_centre_and_deviation_are_those_of_most_labels(labels: list[str], centre: float, deviation: float) -> None:
    numbers = Numbers.learned(labels, tolerance=0.25)
    assert (numbers.centre, numbers.deviation) == (centre, pytest.approx(deviation))
    assert np.abs(numbers.memory_labels(labels)).max() <= FENCE


def test_frames_adapters_and_blocks_survive_the_way_through_events() -> None:
    learner = begin()
    adapter = learner.publish()
    frame = serialization.frame_of(serialization.frame_event("t", "s", learner.frame))
    assert frame.numbers == learner.frame.numbers
    event = serialization.adapter_event("t", "s", learner.frame, adapter, learner.memory.window(adapter.memory_end, RULE.horizon))
    np.testing.assert_array_equal(serialization.adapter_of(event, frame).weights, adapter.weights)
    sent = list(serialization.blocks("t", "s", frame.number, learner.memory, 0, RULE.horizon))
    assert sum(serialization.count(block) for block in sent) >= 60
    received = MemoryRows(len(frame.scaling.features), RULE.horizon, first=sent[0].first, numbers=True)
    for block in sent:
        received.append(*serialization.rows_of(block, len(frame.scaling.features)))
    assert serialization.digest(event, frame, received.window(adapter.memory_end, RULE.horizon)) == event.digest
    other = replace(frame, numbers=replace(learner.frame.numbers, centre=0.0))
    assert serialization.digest(event, other, received.window(adapter.memory_end, RULE.horizon)) != event.digest


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"tolerance": 0.0}, "0 classes, the tolerance 0"),
        ({"classes": ("a", "b")}, "2 classes, the tolerance 0.5"),
        ({"deviation": 0.0}, "deviation 0"),
        ({"centre": float("nan")}, "centre nan"),
    ],
)
def test_a_frame_of_neither_classes_nor_numbers_is_refused(changed: dict, why: str) -> None:
    event = serialization.frame_event("t", "s", begin().frame)
    with pytest.raises(serialization.PackedError, match=why):
        serialization.frame_of(replace(event, **changed))


def test_rows_whose_label_is_no_finite_number_are_refused() -> None:
    (block, *_) = serialization.blocks("t", "s", 1, begin().memory, 0, 60)
    with pytest.raises(serialization.PackedError, match="numbers: a number that is not finite"):
        serialization.rows_of(replace(block, numbers=np.full(serialization.count(block), np.nan, "<f4").tobytes()), 4)


def test_a_model_of_classes_is_no_member() -> None:
    assert checked(sum_model(), 4, PREDICTION)
    with pytest.raises(GraphError, match="expected the input 'input' and the output 'probabilities'"):
        checked(sum_model(), 4, "probabilities")
