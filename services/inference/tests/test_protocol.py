"""The protocol itself: typed contents, health, reflection, ports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import grpc
import numpy as np
import pytest
from edgeloop_contracts.rpc import open_inference as m
from edgeloop_contracts.rpc import open_inference_service as service
from edgeloop_inference.__main__ import main
from edgeloop_inference.io.startup import CannotStartError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def typed(values: list[float], shape: list[int], **fields: Any) -> m.ModelInferRequest:
    request = m.ModelInferRequest(model_name="pumps", **fields)
    request.inputs.add(name="input", datatype="FP32", shape=shape).contents.fp32_contents.extend(values)
    return request


@pytest.fixture
def channel(bench: Any) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{bench.serving().port}") as made:
        yield made


def refused(stub: Any, request: m.ModelInferRequest) -> str:
    with pytest.raises(grpc.RpcError) as error:
        stub.model_infer(request)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return error.value.details()


def test_typed_contents_are_answered_typed(channel: Any) -> None:
    response = service.Stub(channel).model_infer(typed([1, 2, 300, 4], [2, 2], id="x"))
    label, probabilities = response.outputs
    assert list(label.contents.bytes_contents) == [b"bad", b"good"]
    assert np.allclose(np.array(probabilities.contents.fp32_contents).reshape(2, 2).sum(axis=1), 1)
    assert list(probabilities.shape) == [2, 2] and not response.raw_output_contents and response.id == "x"


def test_raw_contents_are_answered_raw(channel: Any) -> None:
    request = m.ModelInferRequest(model_name="pumps", raw_input_contents=[np.array([1, 2], "<f4").tobytes()])
    request.inputs.add(name="input", datatype="FP32", shape=[1, 2])
    response = service.Stub(channel).model_infer(request)
    assert response.raw_output_contents[0] == b"\3\0\0\0bad"
    assert len(response.raw_output_contents[1]) == 8 and not response.outputs[0].HasField("contents")


def test_contents_that_are_doubled_missing_or_of_another_size_are_refused(channel: Any) -> None:
    stub = service.Stub(channel)
    both = typed([1, 2], [1, 2], raw_input_contents=[b"\0" * 8])
    assert "expected either raw_input_contents or contents, given both" in refused(stub, both)
    assert "expected 2 values for shape [1, 2], given 0" in refused(stub, typed([], [1, 2]))
    assert "expected 4 values for shape [2, 2], given 3" in refused(stub, typed([1, 2, 3], [2, 2]))
    raw = typed([], [1, 2], raw_input_contents=[b"\0" * 7])
    assert "expected 8 bytes for shape [1, 2], given 7" in refused(stub, raw)
    raw = typed([], [1, 2], raw_input_contents=[b"\0" * 8, b""])
    assert "expected one entry, given 2" in refused(stub, raw)
    other = m.ModelInferRequest(model_name="pumps")
    other.inputs.add(name="input", datatype="FP32", shape=[1, 2]).contents.int64_contents.extend([1, 2])
    assert "expected fp32_contents, given ['int64_contents']" in refused(stub, other)
    assert "inputs: expected ['input'], given []" in refused(stub, m.ModelInferRequest(model_name="pumps"))
    twice = typed([1, 2], [1, 2], outputs=[m.ModelInferRequest.InferRequestedOutputTensor(name="label")] * 2)
    assert "expected each at most once" in refused(stub, twice)


def test_a_message_beyond_the_cap_is_refused_and_the_server_goes_on(channel: Any) -> None:
    stub = service.Stub(channel)
    with pytest.raises(grpc.RpcError) as error:
        stub.model_infer(typed([], [600_000, 2], raw_input_contents=[bytes(8 * 600_000)]))
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.model_infer(typed([1, 2], [1, 2])).model_version == "1"


def test_health_is_alive_without_a_model_and_serving_with_one(bench: Any) -> None:
    device = bench.device()
    with grpc.insecure_channel(f"127.0.0.1:{device.port}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        serving = health_pb2.HealthCheckResponse.SERVING
        assert check(health_pb2.HealthCheckRequest()).status == serving
        assert check(health_pb2.HealthCheckRequest(service=service.SERVICE)).status != serving
        assert service.Stub(channel).server_live(m.ServerLiveRequest()).live
        assert not service.Stub(channel).server_ready(m.ServerReadyRequest()).ready
        bench.kafka.define()
        bench.assign(1)
        bench.eventually(lambda: check(health_pb2.HealthCheckRequest(service=service.SERVICE)).status == serving)
        assert service.Stub(channel).server_ready(m.ServerReadyRequest()).ready and device.ready


def test_reflection_describes_every_service(channel: Any) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    names = {"inference.GRPCInferenceService", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert set(database.get_services()) == names
    for name in names:
        assert database.FindFileContainingSymbol(name).service
    assert database.FindFileContainingSymbol("inference.ModelInferRequest").package == "inference"


def test_a_port_that_is_taken_is_one_clear_line_and_exit_code_2(bench: Any) -> None:
    taken = bench.serving().port
    environment = {
        **os.environ,
        "EDGELOOP_INFERENCE_DEVICE": "p2",
        "EDGELOOP_INFERENCE_DATA_DIR": str(bench.folder / "other"),
        "EDGELOOP_INFERENCE_TRUST_FILE": str(bench.folder / "trust.pem"),
        "EDGELOOP_INFERENCE_ADAPTER_TRUST_FILE": str(bench.folder / "adapter-trust.pem"),
        "EDGELOOP_INFERENCE_GRPC_PORT": str(taken),
    }
    command = [sys.executable, "-m", "edgeloop_inference"]
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 2
    assert f"cannot listen on 127.0.0.1:{taken}" in run.stderr.splitlines()[-1]
    environment |= {"EDGELOOP_INFERENCE_GRPC_PORT": "0", "EDGELOOP_HTTP_PORT": str(taken)}
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 2
    assert f"edgeloop-inference: HTTP: cannot listen on 127.0.0.1:{taken}: Address already in use" in run.stderr.splitlines()[-1]


def test_a_device_that_cannot_start_says_why(bench: Any) -> None:
    bench.serving()
    with pytest.raises(CannotStartError, match="is in use by another process"):
        bench.device()
    with pytest.raises(CannotStartError, match=r"trust file .*nowhere\.pem"):
        bench.device(trust_file=bench.folder / "nowhere.pem")
    with pytest.raises(CannotStartError, match=r"trust file .*nowhere\.pem"):
        bench.device(adapter_trust_file=bench.folder / "nowhere.pem")
    with pytest.raises(CannotStartError, match="is trusted for versions and for adapters"):
        bench.device(adapter_trust_file=bench.folder / "trust.pem")
    with pytest.raises(CannotStartError, match="data directory"):
        bench.device(data_dir="/dev/null/data")


def test_settings_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EDGELOOP_INFERENCE_TRUST_FILE", "trust.pem")
    monkeypatch.setenv("EDGELOOP_INFERENCE_GRPC_PORT", "many")
    monkeypatch.setattr("sys.argv", ["edgeloop-inference"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "EDGELOOP_INFERENCE_DEVICE: Field required" in said and "EDGELOOP_INFERENCE_GRPC_PORT: " in said


def test_neither_river_nor_sklearn_comes_onto_a_device() -> None:
    code = "import json, sys, edgeloop_inference.__main__, edgeloop_inference.io.load_check; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=120).stdout
    assert not {"river", "sklearn", "onnx", "pandas", "scipy"} & set(json.loads(output))


def test_a_stock_client_and_our_messages_live_in_one_process() -> None:
    code = "import tritonclient.grpc, edgeloop_contracts.rpc.open_inference, onnx, edgeloop_contracts.rpc.model_graph"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
