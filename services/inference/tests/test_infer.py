"""Asking a device as stock clients do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException


def ask(client: Any, rows: Any, *, model: str = "pumps", name: str = "input", datatype: str = "FP32", **options: Any) -> Any:
    array = np.array(rows, {"FP32": np.float32, "FP64": np.float64}[datatype])
    tensor = triton.InferInput(name, array.shape, datatype)
    tensor.set_data_from_numpy(array)
    return client.infer(model, [tensor], **options)


@pytest.fixture
def client(bench: Any) -> Any:
    return triton.InferenceServerClient(f"127.0.0.1:{bench.serving().port}")


def status_of(error: Any) -> str:
    return error.value.status().removeprefix("StatusCode.")


def test_tritonclient_gets_label_and_probabilities(client: Any) -> None:
    result = ask(client, [[1, 2], [300, 2]], request_id="r7")
    assert result.as_numpy("label").tolist() == [b"bad", b"good"]
    assert result.as_numpy("probabilities").shape == (2, 2)
    response = result.get_response()
    assert (response.id, response.model_name, response.model_version) == ("r7", "pumps", "1")
    assert response.parameters["edgeloop_boot_epoch"].int64_param == 1
    assert response.parameters["edgeloop_seq"].int64_param == 0
    assert ask(client, [[1, 2]]).get_response().parameters["edgeloop_seq"].int64_param == 2


def test_only_the_outputs_that_were_asked_for_come_back(client: Any) -> None:
    result = ask(client, [[1, 2]], outputs=[triton.InferRequestedOutput("probabilities")])
    assert [o.name for o in result.get_response().outputs] == ["probabilities"]
    assert result.as_numpy("label") is None


def test_the_server_describes_itself(client: Any) -> None:
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("pumps")
    assert not client.is_model_ready("nothing") and not client.is_model_ready("pumps", "9")
    assert client.get_server_metadata().name == "edgeloop-inference"
    metadata = client.get_model_metadata("pumps")
    assert [(t.name, t.datatype, list(t.shape)) for t in metadata.inputs] == [("input", "FP32", [-1, 2])]
    assert [(t.name, t.datatype, list(t.shape)) for t in metadata.outputs] == [("label", "BYTES", [-1]), ("probabilities", "FP32", [-1, 2])]
    assert list(metadata.versions) == ["1"]


def test_a_version_that_does_not_serve_is_not_found_and_the_one_that_does_is_named(client: Any) -> None:
    ask(client, [[1, 2]], model_version="1")
    with pytest.raises(InferenceServerException, match="version 1 serves, asked for was '7'") as error:
        ask(client, [[1, 2]], model_version="7")
    assert status_of(error) == "NOT_FOUND"


def test_an_unknown_model_is_not_found_and_a_known_one_without_a_version_is_unavailable(bench: Any) -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{bench.device().port}")
    with pytest.raises(InferenceServerException, match="'nothing' is unknown; known are \\['pumps'\\]") as error:
        ask(client, [[1, 2]], model="nothing")
    assert status_of(error) == "NOT_FOUND"
    with pytest.raises(InferenceServerException, match="no version has been installed yet") as error:
        ask(client, [[1, 2]])
    assert status_of(error) == "UNAVAILABLE"
    assert client.is_server_live() and not client.is_server_ready()


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([[1, 2, 3]], {}, r"expected shape \[n, 2\] with n at least 1, given \[1, 3\]"),
        ([1, 2], {}, r"expected shape \[n, 2\] with n at least 1, given \[2\]"),
        (np.zeros((0, 2)), {}, r"expected shape \[n, 2\] with n at least 1, given \[0, 2\]"),
        ([[1, 2]], {"name": "x"}, r"inputs: expected \['input'\], given \['x'\]"),
        ([[1, 2]], {"datatype": "FP64"}, "expected datatype FP32, given 'FP64'"),
        ([[1, 2]], {"outputs": [triton.InferRequestedOutput("score")]}, "given 'score'"),
        ([[1, 2]], {"parameters": {"edgeloop_event_time": "noon"}}, "expected int64_param, given string_param"),
    ],
)
def test_a_wrong_request_is_told_what_was_expected_and_what_given(client: Any, rows: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InferenceServerException, match=message) as error:
        ask(client, rows, **options)
    assert status_of(error) == "INVALID_ARGUMENT"
    ask(client, [[1, 2]])


def test_the_rows_of_requests_reach_the_broker_in_one_batch_with_ids_times_and_answers(bench: Any, client: Any) -> None:
    ask(client, [[1, 2]], request_id="a", parameters={"edgeloop_event_time": 1700000000000})
    ask(client, [[300, 4], [5, 6]], request_id="b")
    ask(client, [[7, 8]])
    batches = bench.eventually(lambda: bench.kafka.batches if sum(b.count for b in bench.kafka.batches) == 4 else None)
    assert {(b.tenant, b.stream, b.device_id, b.boot_epoch, b.model_version) for b in batches} == {("acme", "pumps", "p1", 1, 1)}
    assert [b.first_seq + i for b in batches for i in range(b.count)] == [0, 1, 2, 3]
    features = np.concatenate([np.frombuffer(b.features, "<f4").reshape(-1, 2) for b in batches])
    assert features.tolist() == [[1, 2], [300, 4], [5, 6], [7, 8]]
    assert [a for b in batches for a in b.answers] == ["bad", "good", "bad", "bad"]
    assert [i for b in batches for i in (b.request_ids or [""] * b.count)] == ["a", "b/0", "b/1", ""]
    assert batches[0].event_times[0] == 1700000000000
    assert bench.kafka.logs["observations.raw"][0].key == "acme/pumps/p1"
