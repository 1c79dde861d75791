"""A stream whose answers are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts import AdapterMember, DeviceStatus, Feature, StreamDefinition, StreamTask, topics
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.session import MixtureSession
from onnx import TensorProto, helper, numpy_helper

STREAM = "pumps"


def sum_model(offset: float = 0.1) -> bytes:
    """The sum of the two features, and an offset."""
    nodes = [
        helper.make_node("MatMul", ["input", "ones"], ["sums"]),
        helper.make_node("Add", ["sums", "offset"], ["prediction"]),
    ]
    constants = {"ones": np.ones(2, np.float32), "offset": np.array(offset, np.float32)}
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def define(bench: Any) -> None:
    features = (Feature(name="flow"), Feature(name="pressure"))
    definition = StreamDefinition(tenant="acme", stream=STREAM, version=1, features=features, task=StreamTask.REGRESSION, tolerance=0.5)
    bench.kafka.append(topics.STREAMS, f"acme/{STREAM}", definition)


def refused(bench: Any) -> Any:
    return bench.eventually(lambda: next((r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED), None))


@pytest.fixture
def client(bench: Any) -> triton.InferenceServerClient:
    define(bench)
    bench.assign(1, model=sum_model(), classes=[])
    device = bench.device()
    client = triton.InferenceServerClient(f"127.0.0.1:{device.port}")
    bench.eventually(lambda: client.is_model_ready(STREAM))
    return client


def test_a_device_answers_with_float32_and_keeps_the_shortest_text(bench: Any, client: triton.InferenceServerClient) -> None:
    (output,) = client.get_model_metadata(STREAM).outputs
    assert (output.name, output.datatype, list(output.shape)) == ("prediction", "FP32", [-1])
    tensor = triton.InferInput("input", [2, 2], "FP32")
    tensor.set_data_from_numpy(np.array([[0.1, 0], [1, 2]], np.float32))
    answer = client.infer(STREAM, [tensor])
    assert answer.as_numpy("label") is None
    assert answer.as_numpy("prediction").tolist() == np.array([0.2, 3.1], np.float32).tolist()
    (batch,) = bench.eventually(lambda: bench.kafka.batches)
    assert (batch.answers, batch.model_version) == (("0.2", "3.1"), 1)
    with pytest.raises(triton.InferenceServerException, match=r"expected some of \['prediction'\], given 'label'"):
        client.infer(STREAM, [tensor], outputs=[triton.InferRequestedOutput("label")])


def test_a_model_of_classes_is_refused_for_a_stream_of_numbers(bench: Any) -> None:
    define(bench)
    bench.device()
    bench.assign(1)
    report = refused(bench)
    assert (report.reason, report.message) == ("DEFINITION", "the stream's task is REGRESSION, the model answers with one of 2 classes")


def test_a_model_that_is_signed_for_numbers_and_answers_with_classes_is_refused(bench: Any) -> None:
    define(bench)
    bench.device()
    bench.assign(1, classes=[])
    report = refused(bench)
    assert report.reason == "LOAD"
    assert "expected the output 'prediction', given ['label', 'probabilities']" in report.message


def test_a_model_that_answers_with_no_finite_number_is_refused(bench: Any) -> None:
    define(bench)
    bench.device()
    bench.assign(1, model=sum_model(float("nan")), classes=[])
    report = refused(bench)
    assert report.reason == "LOAD"
    assert "expected [1] finite numbers, given [nan]" in report.message


def taught(bench: Any) -> Any:
    """Who teaches a mixture of version 1, in a world where the sum is doubled."""
    teacher = bench.teacher(bench.kafka.events(topics.ROLLOUT_ASSIGNMENTS)[0])
    first = teacher.learner.frame.members[0]
    rows = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
    labels = [str(2 * float(row.sum())) for row in rows]
    number = AdapterMember(**{name: getattr(first, name) for name in first.__slots__} | {"classes": ()})
    teacher.learner = Learner.begin(teacher.rule, number, (), rows, labels, tolerance=0.5)
    return teacher


def test_a_device_answers_with_what_was_learned_of_numbers_and_again_after_a_restart_without_network(
    bench: Any, client: triton.InferenceServerClient
) -> None:
    teacher = taught(bench)
    rows = np.array([[0.1, 0], [1, 2], [np.nan, -1]], np.float32)
    tensor = triton.InferInput("input", [len(rows), 2], "FP32")
    tensor.set_data_from_numpy(rows)
    for number in (120, 180):
        teacher.publish()
        bench.applied(number)
        answer = client.infer(STREAM, [tensor])
        np.testing.assert_array_equal(answer.as_numpy("prediction"), teacher.says([sum_model()], rows))
        learner = teacher.learner
        session = MixtureSession(learner.frame, [sum_model()], teacher.rule)
        for row in np.random.default_rng(number).normal(size=(60, 2)).astype(np.float32):
            then, window = learner.answering_window(number)
            answered, said, _ = session.answer_one(row[None], session.feeds(then, window), 0)
            learner.learn(Labelled(row, str(2 * float(row.sum())), answered, 1, number), said)
    assert answer.as_numpy("prediction")[1] == pytest.approx(6, abs=2)
    batches = bench.eventually(lambda: [b for b in bench.kafka.batches if b.adapter == 180])
    assert batches[0].answers == tuple(str(number) for number in answer.as_numpy("prediction"))
    bench.stop()
    bench.kafka.online = False
    device = bench.device()
    again = triton.InferenceServerClient(f"127.0.0.1:{device.port}").infer(STREAM, [tensor])
    np.testing.assert_array_equal(again.as_numpy("prediction"), answer.as_numpy("prediction"))


def test_an_adapter_of_classes_is_refused_where_answers_are_numbers(bench: Any, client: triton.InferenceServerClient) -> None:
    bench.teacher(bench.kafka.events(topics.ROLLOUT_ASSIGNMENTS)[0]).publish()
    report = refused(bench)
    assert report.reason == "DEFINITION"
    assert "version 1 answers with numbers; the mixture is of bad, good" in report.message
    tensor = triton.InferInput("input", [1, 2], "FP32")
    tensor.set_data_from_numpy(np.ones((1, 2), np.float32))
    assert client.infer(STREAM, [tensor]).as_numpy("prediction").tolist() == pytest.approx([2.1])
