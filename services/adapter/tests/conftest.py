"""A world around the adapter's task: topics in memory, versions that are small softmax models, devices that put adapters on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_adapter.app import AHEAD
from edgeloop_adapter.core.policies import apply_policy
from edgeloop_adapter.handlers import AdapterTask, Ports
from edgeloop_adapter.metrics import Metrics
from edgeloop_contracts import (
    AdapterFrame,
    AdapterPolicy,
    DriftPartial,
    ExampleBatch,
    MemoryBlock,
    ModelAdapter,
    ModelChunk,
    ModelFile,
    ModelVersion,
    Policy,
    topics,
)
from edgeloop_datasets import LabelledRows, ModelFiles, ModelVersions, StreamDefinitions
from edgeloop_kafka import Received
from edgeloop_mixture.rule import Memory, Rule
from edgeloop_signing.keys import Signer, key_id
from edgeloop_streaming import Send
from edgeloop_streaming.testing import TaskDriver
from onnx import TensorProto, helper, numpy_helper
from prometheus_client import CollectorRegistry

WIDTH = 4
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNER = Signer(KEY, key_id(KEY.public_key()))
RULE = Rule(memories=(Memory(40, 3), Memory(200, 3)), publish_every=20)


def softmax_model(seed: int, classes: int = 2, width: int = WIDTH) -> bytes:
    """A model that answers by the first feature, with noise."""
    matrix = np.random.default_rng(seed).normal(scale=0.5, size=(width, classes)).astype(np.float32)
    matrix[0] += np.linspace(-2, 2, classes, dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", ["input", "matrix"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["sums"], ["label"], axis=1, keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes]),
    ]
    graph = helper.make_graph(nodes, "model", inputs, outputs, [numpy_helper.from_array(matrix, "matrix")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(deterministic=True)


def sum_model(seed: int, width: int = WIDTH) -> bytes:
    """A model that answers with a number: the first feature, and noise."""
    slopes = np.random.default_rng(seed).normal(scale=0.2, size=(width, 1)).astype(np.float32)
    slopes[0] += 1
    nodes = [
        helper.make_node("MatMul", ["input", "slopes"], ["sums"]),
        helper.make_node("Reshape", ["sums", "flat"], ["prediction"]),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])]
    constants = [numpy_helper.from_array(slopes, "slopes"), numpy_helper.from_array(np.array([-1]), "flat")]
    graph = helper.make_graph(nodes, "model", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(deterministic=True)


class World:
    """One partition of the service, and what it sees of one stream.

    Rows are drawn from one sequence, so that two worlds that are given the same numbers of rows are given the same rows,
    whatever their batches are.
    """

    def __init__(self, stream: str = "pumps", rule: Rule | None = RULE) -> None:
        self.stream = stream
        self.key = f"default/{stream}"
        self.rule = rule
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.rng = np.random.default_rng(7)
        self.indexes = {0: 0, 1: 0}
        self.rows = 0
        self.transactions: list[list[Send]] = []
        self.ports: Any = None
        self.driver = TaskDriver("adapter", lambda partition, state: AdapterTask(partition, state, self.ports))
        self.restart()

    def restart(self) -> None:
        """A new process after a kill: everything is read again."""
        reader, follower = self.driver.broker.reader(), self.driver.broker.follower([topics.MODEL_EVENTS])
        definitions = StreamDefinitions(self.driver.broker.table(topics.STREAMS))
        labelled = LabelledRows(reader, topics.EXAMPLES, topics.DRIFT_PARTIALS, AHEAD)
        rules = self.driver.broker.policies(self.rule, apply_policy) if self.rule else None
        self.ports = Ports(
            labelled, ModelVersions(follower), ModelFiles(reader, topics.MODEL_CHUNKS), definitions, rules, SIGNER, self.metrics
        )
        self.driver.restart()

    def version(self, number: int, classes: tuple[str, ...] = ("low", "high"), file: bytes | None = None) -> None:
        """The registry makes a version known."""
        made = softmax_model(number, len(classes)) if classes else sum_model(number)
        onnx = made if file is None else file
        digest = hashlib.sha256(onnx).hexdigest()
        publisher = self.driver.broker.publisher("trainer")
        chunk = ModelChunk(digest=digest, index=0, total=1, size=len(onnx), data=onnx)
        offset = self.driver.broker.log(topics.MODEL_CHUNKS.name, 0).end
        publisher.publish(topics.MODEL_CHUNKS, f"{digest}/0", chunk, partition=0)
        event = ModelVersion(
            tenant="default",
            stream=self.stream,
            version=number,
            file=ModelFile(digest=digest, size=len(onnx), chunks=1, offset=offset),
            classes=classes,
        )
        self.driver.broker.publisher("registry").publish(topics.MODEL_EVENTS, self.key, event)

    def policy(self, **adapter: Any) -> None:
        """Somebody switches a policy of the stream on."""
        event = Policy(tenant="default", stream=self.stream, name="tried", version=1, adapter=AdapterPolicy(**adapter))
        self.driver.broker.publisher("cli").publish(topics.POLICIES, self.key, event)

    def label(
        self,
        sizes: list[int],
        version: int = 0,
        adapter: int | Callable[[int], int] = 0,
        name: Callable[[str], str] = str,
        said: Callable[[str], str] = str,
    ) -> list[Received[Any]]:
        """Write batches of labelled rows, by turns into two partitions of ``examples``, and their partials.

        Parameters
        ----------
        version, adapter
            What answered; the adapter as a number, or by the number of rows so far.
        name, said
            Make the label of what the rule of the world says, and the answer of what a model says that knows half of it.
        """
        received: list[Received[Any]] = []
        for size in sizes:
            partition = len(received) % 2
            features = self.rng.normal(size=(size, WIDTH)).astype(np.float32)
            labels = tuple(name("high" if row[0] + row[1] > 0 else "low") for row in features)
            adapters = tuple(adapter(self.rows + i) if callable(adapter) else adapter for i in range(size))
            batch = ExampleBatch(
                tenant="default",
                stream=self.stream,
                device_id=f"d{partition}",
                boot_epoch=1,
                first_index=self.indexes[partition],
                seqs=tuple(range(self.indexes[partition], self.indexes[partition] + size)),
                features=features.tobytes(),
                labels=labels,
                answers=tuple(said("high" if row[0] > 0 else "low") if version else "" for row in features),
                model_versions=(version,) * size,
                adapters=adapters if any(adapters) else (),
            )
            self.rows += size
            self.indexes[partition] += size
            received.append(self.write(batch, partition))
        return received

    def write(self, batch: ExampleBatch, partition: int) -> Received[Any]:
        """Write a batch and the partial of all of its rows, which all one version answered; give back the partial."""
        broker = self.driver.broker
        offset = broker.log(topics.EXAMPLES.name, partition).end
        broker.publisher("labels").publish(topics.EXAMPLES, f"{self.key}/{batch.device_id}", batch, partition=partition)
        partial = DriftPartial(
            tenant="default",
            stream=self.stream,
            device_id=batch.device_id,
            model_version=batch.model_versions[0],
            partition=partition,
            offset=offset,
            first_index=batch.first_index,
            count=len(batch.labels),
        )
        return self.driver.receive(topics.DRIFT_PARTIALS, partial, self.key)

    def deliver(self, *records: Received[Any]) -> list[Send]:
        """Handle records as one transaction."""
        sent = [send for send in self.driver.transaction(list(records)) if isinstance(send, Send)]
        self.transactions.append(sent)
        return sent

    def count(self, outcome: str) -> int:
        return int(self.registry.get_sample_value("edgeloop_adapter_rows_total", {"outcome": outcome}) or 0)

    @property
    def history(self) -> list[ModelAdapter]:
        """Every adapter that is remembered."""
        return [event for _, event in self.driver.state.items(ModelAdapter)]

    @property
    def published(self) -> dict[str, AdapterFrame | ModelAdapter | MemoryBlock]:
        """The newest record of each key of ``model.adapters``."""
        return {send.key: send.event for sent in self.transactions for send in sent}


@pytest.fixture
def make_world() -> Callable[..., World]:
    return World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def begun(world: World) -> World:
    """A hundred rows without answers, then version 1."""
    world.deliver(*world.label([25] * 4))
    world.version(1)
    return world


@pytest.fixture
def signer() -> Signer:
    return SIGNER
