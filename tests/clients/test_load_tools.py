"""Stock tools against a device's server: grpcurl and ghz by reflection, perf_analyzer by the model's configuration.

The Go tools are built once into ``.edgeloop/tools`` (or ``EDGELOOP_TEST_TOOLS``). perf_analyzer comes with Triton's older client wheels; it
needs the system's libb64.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import structlog
from edgeloop_contracts import Feature, StreamDefinition
from edgeloop_inference.core.sampler import Sampler
from edgeloop_inference.core.stream_activity import StreamActivity
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.server import Server
from edgeloop_inference.io.servicer import InferenceServicer, Limits
from edgeloop_inference.io.sessions import ServingModel
from edgeloop_inference.metrics import Metrics
from edgeloop_signing.statements import VersionStatement
from onnx import TensorProto, helper, numpy_helper
from prometheus_client import CollectorRegistry

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1800)]
TOOLS = Path(os.environ.get("EDGELOOP_TEST_TOOLS", Path(__file__).parents[2] / ".edgeloop/tools"))
GO = {"grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4", "ghz": "github.com/bojand/ghz/cmd/ghz@v0.93.0"}
WHEELS = ("tritonclient==2.40.0", "nvidia-cuda-runtime-cu12==12.9.79")
ROW = {"model_name": "pumps", "inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 2], "contents": {"fp32_contents": [1, 2]}}]}


def _model() -> bytes:
    nodes = [
        helper.make_node("MatMul", ["input", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [("label", TensorProto.INT64, [None]), ("probabilities", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info(*output) for output in outputs],
        [numpy_helper.from_array(np.eye(2, dtype=np.float32), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    models = Models(())
    models.install(ServingModel(VersionStatement("default", "pumps", 1, "", 0, ("bad", "good"), 1, ("flow", "pressure")), _model()))
    definitions = Definitions(tmp_path_factory.mktemp("definitions"), b"salt")
    definitions.learn(
        StreamDefinition(tenant="default", stream="pumps", version=1, features=(Feature(name="flow"), Feature(name="pressure")))
    )
    outbox = Outbox(tmp_path_factory.mktemp("outbox"), max_rows=1_000_000, max_bytes=1 << 28)
    servicer = InferenceServicer(
        models,
        definitions,
        outbox,
        Metrics(CollectorRegistry(), structlog.get_logger()),
        Limits(10_000, 4 << 20, 8),
        StreamActivity(),
        Sampler(),
    )
    server = Server(servicer, "127.0.0.1", 0, workers=16, max_message_bytes=4 << 20)
    server.set_ready(True)
    server.start()
    yield f"127.0.0.1:{server.port}"
    server.stop(1.0)
    outbox.close()


def _tool(name: str) -> str:
    path = TOOLS / name
    if not path.exists():
        if shutil.which("go") is None:
            pytest.skip("needs Go to build it")
        TOOLS.mkdir(parents=True, exist_ok=True)
        subprocess.run(["go", "install", GO[name]], check=True, env={**os.environ, "GOBIN": str(TOOLS)}, timeout=1500)
    return str(path)


def _run(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=180, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_grpcurl_lists_describes_and_calls_methods(address: str) -> None:
    ask = [_tool("grpcurl"), "-plaintext"]
    assert "inference.GRPCInferenceService.ModelInfer" in _run(*ask, address, "list", "inference.GRPCInferenceService").split()
    assert "is a method" in _run(*ask, address, "describe", "inference.GRPCInferenceService.ModelConfig")
    answer = json.loads(_run(*ask, "-d", json.dumps(ROW), address, "inference.GRPCInferenceService/ModelInfer"))
    assert answer["outputs"][1]["parameters"]["classes"]["stringParam"] == '["bad","good"]'


def test_ghz_makes_load_by_reflection(address: str) -> None:
    call = ["--insecure", "--call", "inference.GRPCInferenceService.ModelInfer", "-n", "200", "-c", "4", "-O", "json"]
    report = json.loads(_run(_tool("ghz"), *call, "-d", json.dumps(ROW), address))
    assert report["statusCodeDistribution"] == {"OK": 200}


def test_perf_analyzer_measures_batches(address: str, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--platform", "manylinux1_x86_64"]
    pip += ["--platform", "manylinux2014_x86_64", "--dest", str(tmp_path), *WHEELS]
    subprocess.run(pip, check=True, timeout=600)
    for wheel in tmp_path.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(tmp_path)
    (program,) = tmp_path.rglob("perf_analyzer")
    program.chmod(0o755)
    runtime = next(tmp_path.rglob("libcudart.so*")).parent
    environment = {**os.environ, "LD_LIBRARY_PATH": f"{runtime}:{os.environ.get('LD_LIBRARY_PATH', '')}"}
    if subprocess.run([program, "--version"], check=False, capture_output=True, env=environment).returncode:
        pytest.skip("needs the system's libb64 (Debian: libb64-0d)")
    measure = [
        "--measurement-mode",
        "count_windows",
        "--measurement-request-count",
        "50",
        "-s",
        "1000",
        "-r",
        "10",
        "-b",
        "16",
    ]
    said = _run(str(program), "-m", "pumps", "-u", address, "-i", "grpc", *measure, environment=environment)
    assert float(re.findall(r"Throughput: ([0-9.]+) infer/sec", said)[0]) > 0
