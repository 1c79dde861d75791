"""A stream whose answers are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts import DeviceStatus, Feature, StreamDefinition, StreamTask, topics
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
