"""Requests that ask for much, for what there is not, or for what would be ignored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts.rpc import open_inference as m
from edgeloop_contracts.rpc import open_inference_service as service
from edgeloop_inference.core.answers import Answer
from edgeloop_inference.io.long_requests import SLICE, BusyError, LongRequests, RequestCancelledError
from edgeloop_inference.io.server import Server
from tritonclient.grpc import model_config_pb2, service_pb2
from tritonclient.utils import InferenceServerException


def raw(count: int, **fields: Any) -> m.ModelInferRequest:
    request = m.ModelInferRequest(model_name="pumps", raw_input_contents=[b"\0" * 8 * count], **fields)
    request.inputs.add(name="input", datatype="FP32", shape=[count, 2])
    return request


@pytest.fixture
def stub(bench: Any) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{bench.serving().port}") as channel:
        yield service.Stub(channel)


def refused(stub: Any, request: m.ModelInferRequest, code: str = "INVALID_ARGUMENT") -> str:
    with pytest.raises(grpc.RpcError) as error:
        stub.model_infer(request)
    assert error.value.code().name == code
    return error.value.details()


def test_half_a_million_rows_in_one_request_are_refused_before_any_work_and_none_is_kept(bench: Any, stub: Any) -> None:
    said = refused(stub, raw(500_000))
    assert "at most 4096 rows a request, given 500000" in said and "EDGELOOP_INFERENCE_REQUEST_MAX_ROWS" in said
    assert stub.model_infer(raw(1)).parameters["edgeloop_seq"].int64_param == 0
    assert bench.metric("edgeloop_inference_requests_total", code="INVALID_ARGUMENT") == 1


def test_as_many_rows_as_allowed_are_answered_as_they_are_one_by_one(bench: Any) -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{bench.serving(request_max_rows=300).port}")
    rows = np.zeros((300, 2), np.float32)
    rows[::7, 0] = 300
    tensor = triton.InferInput("input", rows.shape, "FP32")
    tensor.set_data_from_numpy(rows)
    result = client.infer("pumps", [tensor], request_id="x")
    assert result.as_numpy("label").tolist() == [b"good" if row[0] else b"bad" for row in rows]
    assert result.as_numpy("probabilities").shape == (300, 2)
    batches = bench.eventually(lambda: bench.kafka.batches if sum(b.count for b in bench.kafka.batches) == 300 else None)
    assert [i for b in batches for i in b.request_ids] == [f"x/{i}" for i in range(300)]


def test_an_answer_that_would_not_fit_into_a_message_is_refused_before_any_work(bench: Any) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{bench.serving(grpc_max_message_bytes=64 * 1024).port}") as channel:
        stub = service.Stub(channel)
        said = refused(stub, raw(4_000))
        assert "takes up to 68000 bytes, and a message holds 65536: ask for at most 3312 rows" in said
        assert stub.model_infer(raw(3_312)).parameters["edgeloop_seq"].int64_param == 0
        request = raw(4_000)
        request.outputs.add(name="probabilities")
        assert stub.model_infer(request).parameters["edgeloop_seq"].int64_param == 3_312


def test_small_messages_with_very_many_entries_are_refused_by_their_number(stub: Any) -> None:
    request = m.ModelInferRequest(model_name="pumps")
    for _ in range(100_000):
        request.inputs.add()
    assert "inputs: expected one entry, given 100000" in refused(stub, request)
    many = m.ModelInferRequest(model_name="pumps", raw_input_contents=[b""] * 100_000)
    assert "raw_input_contents: expected one entry, given 100000" in refused(stub, many)
    request = raw(1)
    request.inputs[0].shape.extend([1] * 100_000)
    assert "expected 2 dimensions, given 100002" in refused(stub, request)
    request = raw(1)
    for _ in range(100_000):
        request.outputs.add(name="label")
    assert "outputs: expected at most 2 entries, given 100000" in refused(stub, request)
    assert "(1000000)" in refused(stub, m.ModelInferRequest(model_name="p" * 1_000_000), "NOT_FOUND")
    assert "given '☃☃" in refused(stub, _renamed("☃" * 100_000))


def _renamed(name: str) -> m.ModelInferRequest:
    request = raw(1)
    request.outputs.add(name=name)
    return request


def _with(where: str, name: str) -> m.ModelInferRequest:
    request = raw(1)
    holder = {"request": request, "input": request.inputs[0], "output": request.outputs.add(name="label") if where == "output" else None}[
        where
    ]
    holder.parameters[name].int64_param = 1
    return request


@pytest.mark.parametrize(
    ("where", "name", "message"),
    [
        ("input", "shared_memory_region", "'shared_memory_region' is not supported: the data travels in the message"),
        ("output", "shared_memory_region", "'shared_memory_region' is not supported"),
        ("request", "sequence_id", "'sequence_id' is not supported: every request stands alone"),
        ("request", "sequence_start", "'sequence_start' is not supported"),
        ("request", "priority", "'priority' is not supported"),
        ("request", "timeout", "'timeout' is not supported: set a deadline"),
        (
            "request",
            "edgeloop_event_tme",
            "expected no parameters but ['edgeloop_event_time', 'triton_enable_empty_final_response'], given 'edgeloop_event_tme'",
        ),
        ("input", "binary_data_size", "input 'input': expected no parameters, given 'binary_data_size'"),
        ("output", "binary_data", "output 'label': expected no parameters but ['classification'], given 'binary_data'"),
        ("output", "classification", "output 'label': 'classification' is for 'probabilities'"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(stub: Any, where: str, name: str, message: str) -> None:
    assert message in refused(stub, _with(where, name))


def test_other_calls_of_the_protocol_are_refused_by_name(bench: Any) -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{bench.serving().port}")
    for call in (client.get_inference_statistics, client.get_system_shared_memory_status, client.get_model_repository_index):
        with pytest.raises(InferenceServerException, match="is not served by this device") as error:
            call()
        assert error.value.status() == "StatusCode.UNIMPLEMENTED"


def test_the_best_classes_come_as_triton_writes_them(bench: Any) -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{bench.serving().port}")
    tensor = triton.InferInput("input", (2, 2), "FP32")
    tensor.set_data_from_numpy(np.array([[1, 2], [300, 2]], np.float32))
    result = client.infer("pumps", [tensor], outputs=[triton.InferRequestedOutput("probabilities", class_count=1)])
    assert result.as_numpy("probabilities").tolist() == [[b"1.000000:0:bad"], [b"1.000000:1:good"]]
    result = client.infer("pumps", [tensor], outputs=[triton.InferRequestedOutput("probabilities", class_count=9)])
    assert result.as_numpy("probabilities").tolist()[0] == [b"1.000000:0:bad", b"0.000000:1:good"]
    with pytest.raises(InferenceServerException, match="expected 1 or more, given -1"):
        client.infer("pumps", [tensor], outputs=[triton.InferRequestedOutput("probabilities", class_count=-1)])


def test_columns_of_probabilities_carry_their_classes(stub: Any) -> None:
    _, probabilities = stub.model_infer(raw(1)).outputs
    assert probabilities.parameters["classes"].string_param == '["bad","good"]'
    label, probabilities = stub.model_metadata(m.ModelMetadataRequest(name="pumps")).outputs
    assert probabilities.parameters["classes"].string_param == '["bad","good"]' and not label.parameters


def test_the_models_configuration_is_as_tritons(bench: Any) -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{bench.serving().port}")
    config = client.get_model_config("pumps").config
    assert (config.name, config.max_batch_size, config.platform) == ("pumps", 4_096, "onnxruntime_onnx")
    assert [(i.name, i.data_type, list(i.dims)) for i in config.input] == [("input", model_config_pb2.TYPE_FP32, [2])]
    assert [(o.name, o.data_type, list(o.dims), o.HasField("reshape")) for o in config.output] == [
        ("label", model_config_pb2.TYPE_STRING, [1], True),
        ("probabilities", model_config_pb2.TYPE_FP32, [2], False),
    ]
    assert "model_configuration" in client.get_server_metadata().extensions
    with pytest.raises(InferenceServerException, match="'nothing' is unknown"):
        client.get_model_config("nothing")


def test_our_messages_have_tritons_numbers_and_types() -> None:
    """What both declare is the same on the wire."""
    theirs = {**service_pb2.DESCRIPTOR.message_types_by_name, **model_config_pb2.DESCRIPTOR.message_types_by_name}
    compared = 0
    for name, ours in m.DESCRIPTOR.message_types_by_name.items():
        if name in theirs:
            fields = {f.name: (f.number, f.type) for f in theirs[name].fields}
            for f in ours.fields:
                compared += 1
                assert fields[f.name] == (f.number, f.type), f"{name}.{f.name}"
    assert compared > 50


class Steps:
    """A model that says which rows it is asked, and waits to be let on."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.on = threading.Event()

    def answer(self, rows: np.ndarray) -> Answer:
        self.asked.append(len(rows))
        if len(rows) == SLICE:
            self.on.wait(60)
        return Answer(("x",) * len(rows), np.zeros((len(rows), 1), np.float32))


def test_short_requests_are_answered_while_a_long_one_waits_and_a_cancelled_one_stops() -> None:
    long, model, alive = LongRequests(1), Steps(), [True]
    ended: list[str] = []

    def ask() -> None:
        try:
            long.answer(model, np.zeros((10 * SLICE, 1), np.float32), lambda: alive[0])
        except RequestCancelledError:
            ended.append("cancelled")

    thread = threading.Thread(target=ask)
    thread.start()
    while not model.asked:
        pass
    assert long.answer(model, np.zeros((3, 1), np.float32), lambda: True).labels == ("x",) * 3
    with pytest.raises(BusyError, match="1 requests of over 64 rows are at work or wait"):
        long.answer(model, np.zeros((SLICE + 1, 1), np.float32), lambda: True)
    alive[0] = False
    model.on.set()
    thread.join()
    assert ended == ["cancelled"] and model.asked == [SLICE, 3]
    assert len(long.answer(model, np.zeros((SLICE + 1, 1), np.float32), lambda: True).labels) == SLICE + 1


HALF_SENT = "/inference.GRPCInferenceService/ModelInfer"


def hold(channel: grpc.Channel, calls: int, ended: threading.Event) -> list[Any]:
    """Calls of which only the heads are sent."""

    def never() -> Iterator[bytes]:
        ended.wait()
        yield from ()

    call = channel.stream_unary(HALF_SENT, request_serializer=bytes, response_deserializer=bytes)
    return [call.future(never()) for _ in range(calls)]


def test_clients_that_send_only_heads_keep_nobody_from_an_answer(bench: Any) -> None:
    address, ended = f"127.0.0.1:{bench.serving(grpc_workers=2).port}", threading.Event()
    own = [("grpc.use_local_subchannel_pool", 1)]
    with (
        grpc.insecure_channel(address, own) as one,
        grpc.insecure_channel(address, own) as other,
        grpc.insecure_channel(address, own) as mine,
    ):
        held = hold(one, 4, ended) + hold(other, 4, ended)
        assert [service.Stub(mine).model_infer(raw(1), timeout=30).parameters["edgeloop_seq"].int64_param for _ in range(20)] == list(
            range(20)
        )
        assert not any(call.done() for call in held)
        ended.set()


def test_a_call_whose_message_does_not_come_is_cancelled() -> None:
    server, ended = Server(mock.Mock(), "127.0.0.1", 0, workers=1, max_message_bytes=1 << 20, wait_s=0.2), threading.Event()
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        (call,) = hold(channel, 1, ended)
        assert call.exception(timeout=30).code() is grpc.StatusCode.CANCELLED
        ended.set()
    server.stop(0)
