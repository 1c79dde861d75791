"""A model of 2 MB over a link of 100 kB/s, with cuts and a restart of the device in the middle."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from edgeloop_contracts import Assignment, Feature, ModelChunk, ModelFile, SignedStatement, StreamDefinition, topics
from edgeloop_local.ports import free_port
from edgeloop_signing.statements import VersionStatement
from edgeloop_streaming import Context
from onnx import TensorProto, helper, numpy_helper
from support.processes import environment, eventually
from support.proxy import Proxy

pytestmark = [pytest.mark.doors, pytest.mark.timeout(400)]
BYTES_PER_S, WIDTH, CHUNK = 100_000, 250_000, 512 << 10
STREAM, DEVICE = "pumps", "p1"


def large_model() -> bytes:
    """2 MB that do not compress."""
    weights = np.random.default_rng(1).normal(size=(2, WIDTH)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["input", "weights"], ["wide"]),
        helper.make_node("ReduceMean", ["wide"], ["one"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["one", "signs"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [("label", TensorProto.INT64, [None]), ("probabilities", TensorProto.FLOAT, [None, 2])]
    tensors = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([[1, -1]], np.float32), "signs")]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info(*output) for output in outputs],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def publish(settings: Any, key: Ed25519PrivateKey, model: bytes) -> None:
    """A stream, the chunks of a model, and its assignment to the device."""
    context, digest, size = Context(settings, "test"), hashlib.sha256(model).hexdigest(), len(model)
    publisher = context.publisher()
    features = (Feature(name="flow"), Feature(name="pressure"))
    definition = StreamDefinition(tenant="default", stream=STREAM, version=1, features=features, classes=("bad", "good"))
    publisher.publish(topics.STREAMS, f"default/{STREAM}", definition)
    parts = [model[at : at + CHUNK] for at in range(0, size, CHUNK)]
    for index, part in enumerate(parts):
        chunk = ModelChunk(digest=digest, index=index, total=len(parts), size=size, data=part)
        publisher.publish(topics.MODEL_CHUNKS, f"{digest}/{index}", chunk, partition=0)
    statement = VersionStatement("default", STREAM, 1, digest, size, ("bad", "good"), 1, ("flow", "pressure")).encode()
    assignment = Assignment(
        tenant="default",
        stream=STREAM,
        device_id=DEVICE,
        version=1,
        file=ModelFile(digest=digest, size=size, chunks=len(parts)),
        signed=SignedStatement(statement=statement, signature=key.sign(statement)),
    )
    publisher.publish(topics.ROLLOUT_ASSIGNMENTS, f"default/{STREAM}/{DEVICE}", assignment)
    assert publisher.flush() == 0


class Running:
    """A device as a process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self._port = port

    def metric(self, name: str) -> float:
        try:
            text = httpx.get(f"http://127.0.0.1:{self._port}/metrics", timeout=10).text
        except httpx.HTTPError:
            return 0.0
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


@contextmanager
def device(folder: Path, settings: Any, bootstrap: str) -> Iterator[Running]:
    port = free_port()
    own = {
        "EDGELOOP_HTTP_PORT": str(port),
        "EDGELOOP_INFERENCE_DEVICE": DEVICE,
        "EDGELOOP_INFERENCE_GRPC_PORT": "0",
        "EDGELOOP_INFERENCE_TRUST_FILE": str(folder / "trust.pem"),
        "EDGELOOP_INFERENCE_ADAPTERS": "false",
    }
    with (folder / "device.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "edgeloop_inference"],
            env=environment(settings, "inference", folder, EDGELOOP_KAFKA_BOOTSTRAP=bootstrap, **own),
            stderr=log,
            stdout=log,
        )
    try:
        yield Running(process, port)
    finally:
        process.kill()
        process.wait()


def test_a_slow_link_brings_a_model_over_cuts_and_a_restart(cluster: Any, tmp_path: Path) -> None:
    settings, key, model = cluster.settings(), Ed25519PrivateKey.generate(), large_model()
    (tmp_path / "trust.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    publish(settings, key, model)
    parts, taken = tmp_path / "data/partial", "edgeloop_inference_received_bytes_total"
    with Proxy(int(settings.bootstrap.rpartition(":")[2]), BYTES_PER_S) as proxy:
        with device(tmp_path, settings, proxy.bootstrap) as first:
            eventually(lambda: list(parts.glob("*/*")))
            time.sleep(2)  # in the middle of the next one
            proxy.cut()
            eventually(lambda: len(list(parts.glob("*/*"))) >= 2)
            before = first.metric(taken)
        assert len(list(parts.glob("*/*"))) < len(model) / CHUNK
        with device(tmp_path, settings, proxy.bootstrap) as second:
            eventually(lambda: second.metric('edgeloop_inference_model_version{stream="pumps"}') == 1)
            assert before + second.metric(taken) < len(model) + CHUNK
    assert not list(parts.glob("*"))
