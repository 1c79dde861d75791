"""A small model, its chunks, and a registry around a task driver."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edgeloop_contracts import Feature, ModelCandidate, ModelChunk, ModelFile, RegisterStream, Topic, TrainingRequest, topics
from edgeloop_kafka import Received
from edgeloop_registry.handlers import Ports, RegistryTask
from edgeloop_registry.io.artifacts import Artifacts
from edgeloop_registry.io.graph import check_graph
from edgeloop_registry.io.training_requests import Requests
from edgeloop_registry.io.trusted_trainers import Trainers
from edgeloop_registry.metrics import Metrics
from edgeloop_signing.keys import Role, Signer, generate_keys, load_signer, load_trusted
from edgeloop_signing.statements import candidate_statement
from edgeloop_streaming.testing import TaskDriver
from onnx import TensorProto, helper, numpy_helper
from prometheus_client import CollectorRegistry


def changed(candidate: ModelCandidate, **fields: Any) -> ModelCandidate:
    """A candidate with other values; those of its file as a dict."""
    file = fields.pop("file", {})
    return replace(candidate, **fields, file=replace(candidate.file, **file))


def build_linear_model(features: int = 3, classes: int = 2, op: str = "Softmax", domain: str = "", seed: int = 0) -> onnx.ModelProto:
    """Gemm, an activation, ArgMax: the smallest model that meets the contract."""
    weights = np.random.default_rng(seed).normal(size=(features, classes)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["input", "weights"], ["scores"]),
            helper.make_node(op, ["scores"], ["probabilities"], domain=domain),
            helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ],
        "linear",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", features])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class ChunkLog:
    """Stands in for one partition of ``model.chunks``."""

    def __init__(self) -> None:
        self.records: list[ModelChunk | None] = []
        self.seconds = 0.0

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = 1.0) -> list[Received[Any]]:
        assert topic is topics.MODEL_CHUNKS
        found = enumerate(self.records[first:end], first)
        return [Received(chunk, topic.name, partition, at, 0, "", "", "") for at, chunk in found if chunk]

    def end(self, topic: Topic, partition: int) -> int:
        return len(self.records)

    def add(self, artifact: bytes, chunk_size: int = 100, between: int = 0) -> ModelCandidate:
        """Write an artifact; give back what a candidate says of it."""
        digest = hashlib.sha256(artifact).hexdigest()
        parts = [artifact[at : at + chunk_size] for at in range(0, len(artifact), chunk_size)]
        offset = len(self.records)
        for index, part in enumerate(parts):
            self.records += [None] * between
            self.records.append(ModelChunk(digest=digest, index=index, total=len(parts), size=len(artifact), data=part))
        return ModelCandidate(
            tenant="default",
            stream="pumps",
            request_id=digest[:8],
            file=ModelFile(digest=digest, size=len(artifact), chunks=len(parts), offset=offset),
            classes=("no", "yes"),
            definition_version=1,
        )


class RequestLog:
    """Stands in for ``training.requests``."""

    def __init__(self) -> None:
        self.records: list[TrainingRequest] = []
        self.read = 0

    def refresh(self, handle: Callable[[Received[Any]], None]) -> None:
        for at in range(self.read, len(self.records)):
            handle(Received(self.records[at], topics.TRAINING_REQUESTS.name, 0, at, 0, "", "", ""))
        self.read = len(self.records)


class Registry:
    """A registry without a broker, and the trainer's key."""

    def __init__(self, keys: Path) -> None:
        self.keys = generate_keys(keys, Role.REGISTRY)
        trainer = generate_keys(keys, Role.TRAINER)
        self.trainer = load_signer(trainer.private, "KEY")
        self.log = ChunkLog()
        self.requests = RequestLog()
        artifacts = Artifacts(self.log, lambda: 1, clock=lambda: self.log.seconds)
        signer = load_signer(self.keys.private, "KEY")
        trainers = Trainers(load_trusted(trainer.public), signer)
        self.metrics = CollectorRegistry()
        metrics = Metrics(self.metrics)

        def ports() -> Ports:
            self.requests.read = 0
            return Ports(artifacts, check_graph, signer, trainers.signed, Requests(self.requests).offset, metrics)

        self.driver = TaskDriver("registry", lambda _partition, state: RegistryTask(state, ports()))

    def define(self, **fields: Any) -> list[Any]:
        """Send a command; give back the events."""
        command = RegisterStream(
            tenant="default",
            stream="pumps",
            features=tuple(Feature(name=name) for name in ("heat", "noise", "flow")),
            label="fails",
            classes=("yes", "no"),
        )
        return [send.event for send in self.driver.send(topics.MODEL_COMMANDS, replace(command, **fields), "default/pumps")]

    def ask(self, request_id: str, stream: str = "pumps") -> None:
        """Make a request."""
        self.requests.records.append(TrainingRequest(tenant="default", stream=stream, request_id=request_id))

    def propose(self, candidate: ModelCandidate, **fields: Any) -> list[Any]:
        """Send a candidate as the trainer does, once it was asked for it; give back the events."""
        wanted = replace(candidate, **fields)
        self.ask(wanted.request_id, wanted.stream)
        return self.send(self.sign(wanted))

    changed = staticmethod(changed)

    def sign(self, candidate: ModelCandidate, signer: Signer | None = None) -> ModelCandidate:
        """The candidate as the trainer would send it, or whoever has another key."""
        by = signer or self.trainer
        return replace(candidate, signature=by.sign(candidate_statement(candidate)), key_id=by.key_id)

    def send(self, candidate: ModelCandidate) -> list[Any]:
        """Send a candidate as it is; give back the events."""
        return [send.event for send in self.driver.send(topics.MODEL_CANDIDATES, candidate, "default/pumps")]

    def refusals(self, reason: str) -> float:
        """How many refusals have been counted."""
        return self.metrics.get_sample_value("edgeloop_registry_refusals_total", {"reason": reason}) or 0.0

    def model(self, seed: int = 0) -> ModelCandidate:
        """A sound candidate, its chunks written."""
        return self.log.add(build_linear_model(seed=seed).SerializeToString())


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


@pytest.fixture
def linear_model() -> Callable[..., onnx.ModelProto]:
    return build_linear_model


@pytest.fixture
def log() -> ChunkLog:
    return ChunkLog()
