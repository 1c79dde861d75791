"""Models, keys, and a Kafka that is a few lists: the only thing that is not real in these tests."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from edgeloop_contracts import (
    AdapterMember,
    Assignment,
    Cause,
    DeviceKey,
    DeviceReport,
    Feature,
    ModelAdapter,
    ModelChunk,
    ModelFile,
    ObservationBatch,
    SignedStatement,
    StreamDefinition,
    topics,
)
from edgeloop_inference.app import Device
from edgeloop_inference.settings import Settings
from edgeloop_kafka import Received, body
from edgeloop_kafka.writer_schemas import fingerprint
from edgeloop_mixture import serialization
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.session import MixtureSession
from edgeloop_readers import RangeGoneError
from edgeloop_signing.statements import adapter_statement
from onnx import TensorProto, helper, numpy_helper
from prometheus_client import CollectorRegistry
from support.processes import eventually

TENANT, STREAM, DEVICE = "acme", "pumps", "p1"
FEATURES = ("flow", "pressure")
CLASSES = ("bad", "good")


def make_model(favourite: int = 0, features: int = len(FEATURES), classes: int = len(CLASSES), input_name: str = "input") -> bytes:
    """An ONNX model that gives the class ``favourite``, or the other where the first feature is above 100."""
    weights = np.zeros((features, classes), np.float32)
    weights[0, (favourite + 1) % classes] = 1.0
    bias = np.zeros(classes, np.float32)
    bias[favourite] = 100.0
    nodes = [
        helper.make_node("IsNaN", [input_name], ["missing"]),
        helper.make_node("Where", ["missing", "nothing", input_name], ["filled"]),
        helper.make_node("Gemm", ["filled", "weights", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, [None, features])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes]),
        ],
        [numpy_helper.from_array(v, n) for n, v in (("weights", weights), ("bias", bias), ("nothing", np.array(0, np.float32)))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def trust_file(path: Path, *keys: Ed25519PrivateKey) -> Path:
    """Write the public keys of some keys."""
    path.write_bytes(b"".join(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys))
    return path


@dataclass
class Registry:
    """Signs as the registry does."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def assignment(self, model: bytes, version: int, device: str = DEVICE, stream: str = STREAM, **statement: Any) -> Assignment:
        """An assignment with its signed statement; ``statement`` overrides fields of it before it is signed."""
        digest = hashlib.sha256(model).hexdigest()
        fields = {
            "tenant": TENANT,
            "stream": stream,
            "version": version,
            "digest": digest,
            "size": len(model),
            "classes": list(CLASSES),
            "definition_version": 1,
            "features": list(FEATURES),
        } | statement
        data = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
        return Assignment(
            tenant=TENANT,
            stream=stream,
            device_id=device,
            version=version,
            file=ModelFile(digest=digest, size=len(model), chunks=1),
            signed=SignedStatement(statement=data, signature=self.key.sign(data)),
        )


class FakeKafka:
    """Topics as lists. ``online``: the broker is reachable. ``cut_after``: records that a reader still gets. ``refuses``: reason to
    refuse producers' records.
    """

    def __init__(self) -> None:
        self.online = True
        self.gone = 0
        self.cut_after: int | None = None
        self.read: list[int] = []
        self.refuses = ""
        self.clock_ahead_s = 0.0
        self.changed = threading.Condition()
        self.logs: dict[str, list[Received[Any]]] = {}
        self.causes: list[tuple[DeviceReport, Cause | None]] = []

    def append(self, topic: Any, key: str, event: Any, headers: Any = None) -> Received[Any]:
        with self.changed:
            log = self.logs.setdefault(topic.name, [])
            place = f"{topic.name}/0/{len(log)}"
            received = Received(event, topic.name, 0, len(log), 0, key, f"id of {place}", "chain", headers or {}, body(event))
            log.append(received)
            self.changed.notify_all()
        return received

    def events(self, topic: Any) -> list[Any]:
        return [received.event for received in self.logs.get(topic.name, [])]

    def define(self, stream: str = STREAM, features: Iterable[str | Feature] = FEATURES, version: int = 1) -> None:
        named = tuple(feature if isinstance(feature, Feature) else Feature(name=feature) for feature in features)
        self.append(topics.STREAMS, f"{TENANT}/{stream}", StreamDefinition(tenant=TENANT, stream=stream, version=version, features=named))

    def assign(self, assignment: Assignment, model: bytes = b"", size: int = 200) -> Received[Any]:
        """Put a model's chunks, if given, and then the assignment."""
        if model:
            parts = [model[i : i + size] for i in range(0, len(model), size)]
            first = self.end(topics.MODEL_CHUNKS, 0)
            # Another model's chunks lie in between, as they may where two trainers write to one partition.
            for index, part in enumerate(parts):
                chunk = ModelChunk(digest=assignment.file.digest, index=index, total=len(parts), size=len(model), data=part)
                self.append(topics.MODEL_CHUNKS, f"{assignment.file.digest}/{index}", chunk)
                self.append(topics.MODEL_CHUNKS, "other/0", replace(chunk, digest="other"))
            assignment = replace(assignment, file=replace(assignment.file, chunks=len(parts), offset=first))
        key = DeviceKey.of(assignment)
        return self.append(topics.ROLLOUT_ASSIGNMENTS, key, assignment)

    def publisher(self, timeout_s: float | None = 30.0) -> FakePublisher:
        self.refuses = ""
        return FakePublisher(self, timeout_s)

    def follower(self, topics: Iterable[Any]) -> FakeFollower:
        if not self.online:
            raise ConnectionError("no broker")
        return FakeFollower(self, [topic.name for topic in topics])

    def reader(self) -> FakeKafka:
        return self

    def each(
        self, topic: Any, partition: int, first: int, end: int, handle: Callable[[Received[Any]], None], timeout: float = 30.0
    ) -> None:
        log = self.logs.get(topic.name, [])
        assert end <= len(log)
        if first < self.gone:
            raise RangeGoneError(f"{topic.name}/{partition}: begins at {self.gone}")
        for received in log[first:end]:
            if self.cut_after == 0:
                raise TimeoutError("the link is cut")
            if self.cut_after is not None:
                self.cut_after -= 1
            self.read.append(received.offset)
            handle(received)

    def end(self, topic: Any, partition: int) -> int:
        return len(self.logs.get(topic.name, [])) if partition == 0 else 0

    def close(self) -> None:
        return

    @property
    def batches(self) -> list[ObservationBatch]:
        return self.events(topics.OBSERVATIONS_RAW)

    @property
    def reports(self) -> list[DeviceReport]:
        return self.events(topics.FLEET_REPORTED)


class FakePublisher:
    """Delivers at the next poll. While the broker is away it holds what it may not give up, and fails the rest.

    Once refused, it takes nothing any more, as an idempotent producer after a fatal error.
    """

    def __init__(self, kafka: FakeKafka, timeout_s: float | None) -> None:
        self._kafka = kafka
        self._timeout_s = timeout_s
        self._broken = ""
        self._waiting: list[tuple[Any, ...]] = []

    def publish(
        self,
        topic: Any,
        key: str,
        event: Any,
        *,
        cause: Any = None,
        on_delivery: Any = None,
        headers: Any = None,
        sign: Any = None,
        stamped: Any = None,
    ) -> str:
        if self._broken:
            raise RuntimeError(self._broken)
        signed = sign(topic.name, key.encode(), fingerprint(type(event)), body(event)) if sign else {}
        self._waiting.append((topic, key, event, cause, on_delivery, signed, stamped))
        return "id"

    def poll(self, timeout: float = 0.0) -> int:
        waiting: list[Any] = []
        if self._kafka.online or self._timeout_s is not None:
            waiting, self._waiting = self._waiting, []
        if waiting and self._kafka.refuses:
            self._broken = self._kafka.refuses
        error = self._broken or (None if self._kafka.online else "timed out")
        for topic, key, event, cause, on_delivery, headers, stamped in waiting:
            if error is None:
                self._kafka.append(topic, key, event, headers)
                if stamped:
                    stamped(int(1000 * (time.time() - self._kafka.clock_ahead_s)))
                if isinstance(event, DeviceReport):
                    self._kafka.causes.append((event, cause))
            if on_delivery:
                on_delivery(error)
        if not waiting:
            time.sleep(timeout)
        return len(waiting)

    def flush(self, timeout: float = 30.0) -> int:
        self.poll()
        return len(self._waiting)


class FakeFollower:
    """Reads some of the lists from their beginning."""

    def __init__(self, kafka: FakeKafka, names: list[str]) -> None:
        self._kafka = kafka
        self._read = dict.fromkeys(names, 0)

    def poll(self, timeout: float = 0.1) -> list[Received[Any]]:
        with self._kafka.changed:
            if not self._kafka.online:
                raise ConnectionError("no broker")
            new = self._new()
            if not new:
                self._kafka.changed.wait(timeout)
                new = self._new()
            return new

    def refresh(self, handle: Callable[[Received[Any]], None], timeout: float = 30.0) -> None:
        for received in self._new():
            handle(received)

    def close(self) -> None:
        return

    def _new(self) -> list[Received[Any]]:
        new: list[Received[Any]] = []
        for name, at in self._read.items():
            log = self._kafka.logs.get(name, [])
            new += log[at:]
            self._read[name] = len(log)
        return new


def labelled(count: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Rows whose class lies in their second feature, of which no model of these tests knows; some values are missing."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, len(FEATURES))).astype(np.float32)
    labels = [CLASSES[int(pressure > 0)] for pressure in rows[:, 1]]
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows, labels


class Teacher:
    """Learns as the adapter service does, and puts what it learned into the topic."""

    def __init__(self, kafka: FakeKafka, key: Ed25519PrivateKey, first: Assignment, rows: int = 120) -> None:
        self.kafka = kafka
        self.key = key
        self.rule = Rule()
        features, labels = labelled(rows)
        self.learner = Learner.begin(self.rule, member(first), CLASSES, features, labels)
        self.scaling = self.learner.frame.number
        self._framed = self._sent_to = 0

    def join(self, assignment: Assignment, rows: int = 1) -> None:
        """Take a version in, ``rows`` labels later."""
        self.learner.rows += rows
        self.learner.prepare([], member(assignment))

    def learn(self, count: int = 10, seed: int = 1) -> None:
        experts = np.zeros((self.learner.frame.experts(self.rule), len(self.learner.frame.classes)), np.float32)
        for row, label in zip(*labelled(count, seed), strict=True):
            self.learner.learn(Labelled(row, label, label, 1, 0), experts)

    def events(self) -> list[tuple[str, Any]]:
        """What is to be sent, with its keys: blocks, the frame if it is new, the adapter."""
        learner, horizon, head = self.learner, self.rule.horizon, f"{TENANT}/{STREAM}"
        adapter = learner.publish()
        window = learner.memory.window(adapter.memory_end, horizon)
        made: list[tuple[str, Any]] = [
            (f"{head}/block/{serialization.slot(block, horizon)}", block)
            for block in serialization.blocks(TENANT, STREAM, self.scaling, learner.memory, self._sent_to, horizon)
        ]
        if learner.frame.number != self._framed:
            made.append((f"{head}/frame", serialization.frame_event(TENANT, STREAM, learner.frame)))
        self._framed, self._sent_to = learner.frame.number, learner.memory.end
        return [*made, (f"{head}/adapter", signed(serialization.adapter_event(TENANT, STREAM, learner.frame, adapter, window), self.key))]

    def begin_anew(self) -> None:
        """Send everything again with the next adapter."""
        self._framed = self._sent_to = 0

    def publish(self) -> Received[Any]:
        for key, event in self.events():
            sent = self.kafka.append(topics.MODEL_ADAPTERS, key, event)
        return sent

    def says(self, models: list[bytes], rows: np.ndarray, *, memories: bool = True) -> np.ndarray:
        """What a device should answer with what was published last, probabilities [N, C]."""
        _, adapter = self.learner.history[self.learner.published]
        session = MixtureSession(self.learner.frame, models, self.rule, memories=memories)
        return session.answer(rows, session.feeds(adapter, self.learner.memory.window(adapter.memory_end, self.rule.horizon)))[1]


def signed(event: ModelAdapter, key: Ed25519PrivateKey) -> ModelAdapter:
    """An adapter with a key's signature."""
    return replace(event, signature=key.sign(adapter_statement(event)))


def member(assignment: Assignment) -> AdapterMember:
    """An assigned version as a member of a mixture."""
    names = ("version", "file", "signed")
    return AdapterMember(**{name: getattr(assignment, name) for name in names}, classes=CLASSES)


@dataclass
class Bench:
    """A place for one device, with all that it meets."""

    folder: Path
    registry: Registry
    kafka: FakeKafka
    adapter_keys: list[Ed25519PrivateKey] = field(default_factory=lambda: [Ed25519PrivateKey.generate()])
    devices: list[Device] = field(default_factory=list)
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)

    def model(self, favourite: int = 0, **changed: Any) -> bytes:
        """An ONNX file; see ``make_model``."""
        return make_model(favourite, **changed)

    def settings(self, **changed: Any) -> Settings:
        values = {
            "device": DEVICE,
            "tenant": TENANT,
            "streams": STREAM,
            "grpc_port": 0,
            "data_dir": self.folder / "data",
            "trust_file": trust_file(self.folder / "trust.pem", self.registry.key),
            "adapter_trust_file": trust_file(self.folder / "adapter-trust.pem", *self.adapter_keys),
        }
        return Settings(**(values | changed))

    def device(self, **changed: Any) -> Device:
        """Start a device; it is stopped at the end of the test."""
        self.metrics = CollectorRegistry()
        device = Device(self.settings(**changed), self.kafka, self.metrics, structlog.get_logger())
        device.start()
        self.devices.append(device)
        return device

    def stop(self) -> None:
        while self.devices:
            self.devices.pop().stop()

    def assign(self, version: int, favourite: int = 0, model: bytes = b"", **statement: Any) -> Received[Any]:
        """Assign a model, a good one if none is given."""
        model = model or self.model(favourite)
        return self.kafka.assign(self.registry.assignment(model, version, **statement), model)

    def serving(self, version: int = 1, **changed: Any) -> Device:
        """A device that has installed a version."""
        if not self.kafka.events(topics.STREAMS):
            self.kafka.define()
        self.assign(version)
        device = self.device(**changed)
        eventually(lambda: self.metric("edgeloop_inference_model_version", stream=STREAM) == version)
        return device

    def elsewhere(self, version: int, favourite: int = 0) -> Assignment:
        """A version that another device runs."""
        model = self.model(favourite)
        return self.kafka.assign(self.registry.assignment(model, version, device="p2"), model).event

    def adapting(self, **changed: Any) -> tuple[Device, Teacher]:
        """A device that has installed version 1, and who teaches it."""
        device = self.serving(1, **changed)
        return device, self.teacher(self.kafka.events(topics.ROLLOUT_ASSIGNMENTS)[0])

    def teacher(self, first: Assignment) -> Teacher:
        """Who teaches a mixture that begins with a version, and signs with the newest key."""
        return Teacher(self.kafka, self.adapter_keys[-1], first)

    def applied(self, number: int) -> None:
        """Wait until an adapter serves, and is reported."""
        eventually(lambda: self.metric("edgeloop_inference_model_adapter", stream=STREAM) == number)
        eventually(lambda: self.kafka.reports[-1].adapter == number)

    def eventually(self, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Wait until something is true; give it back."""
        return eventually(condition, seconds, pause=0.005)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.get_sample_value(name, labels) or 0.0


@pytest.fixture(name="trust_file")
def trust_file_fixture() -> Callable[..., Path]:
    return trust_file


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    structlog.reset_defaults()  # a process that another test of this one has started logs elsewhere
    made = Bench(tmp_path, Registry(), FakeKafka())
    yield made
    made.stop()
