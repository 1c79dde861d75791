"""A world around the trainer's task: topics in memory, a registry that takes every candidate, real fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_contracts import (
    DriftPartial,
    ExampleBatch,
    Feature,
    GateKind,
    Manifest,
    ModelCandidate,
    ModelVersion,
    Range,
    StreamDefinition,
    StreamTask,
    Topic,
    TrainingRequest,
    topics,
)
from edgeloop_datasets import StreamDefinitions
from edgeloop_kafka import Received
from edgeloop_readers import RangeGoneError
from edgeloop_signing.keys import Signer, key_id, signed_by
from edgeloop_signing.statements import candidate_statement
from edgeloop_streaming import BackpressureError, Send, State
from edgeloop_streaming.testing import MemoryBroker, TaskDriver
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.plans import Plan, apply_policy
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.handlers import Ports, TrainerTask
from edgeloop_trainer.io.champions import Champions
from edgeloop_trainer.io.fit_process import FitProcess, Limits
from edgeloop_trainer.io.fit_queue import FitQueue
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.rows import Rows
from edgeloop_trainer.metrics import Metrics
from prometheus_client import CollectorRegistry

WIDTH = 4
RECIPE = Recipe(trees=8, archive=8)
KEY = Ed25519PrivateKey.generate()
SIGNER = Signer(KEY, key_id(KEY.public_key()))


class Log:
    """Topics in memory; stands in for range reader, follower and table."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], dict[int, Received[Any]]] = {}
        self.gone_before: dict[tuple[str, int], int] = {}
        self.reads = 0

    def append(self, topic: Topic, partition: int, event: Any, key: str = "") -> int:
        offset = self.end(topic, partition)
        record = Received(event, topic.name, partition, offset, 0, key, f"{topic.name}-{offset}", "")
        self.records.setdefault((topic.name, partition), {})[offset] = record
        return offset

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = 1.0) -> list[Received[Any]]:
        self.reads += 1
        place = (topic.name, partition)
        if first < self.gone_before.get(place, 0):
            raise RangeGoneError(f"{place}: {first}")
        assert end <= self.end(topic, partition), "reads past the end would wait"
        return [record for offset, record in sorted(self.records.get(place, {}).items()) if first <= offset < end and record.event]

    def end(self, topic: Topic, partition: int) -> int:
        return max(self.records.get((topic.name, partition), {}), default=-1) + 1

    def cluster_id(self) -> str:
        return "here"

    def refresh(self, handle: Callable[[Received[Any]], None] | None = None) -> None:
        if handle:
            for record in self.records.get((topics.MODEL_EVENTS.name, 0), {}).values():
                handle(record)

    def get(self, key: str) -> Received[Any] | None:
        found = [r for r in self.records.get((topics.STREAMS.name, 0), {}).values() if r.key == key]
        return found[-1] if found else None


class World:
    """One partition of the trainer, and what it sees of one stream's rows."""

    def __init__(
        self,
        process: FitProcess,
        stream: str = "pumps",
        registry_answers: bool = True,
        minimum: int = 8,
        recipe: Recipe = RECIPE,
        numbers: bool = False,
    ) -> None:
        self.numbers = numbers
        self.stream = stream
        self.key = f"default/{stream}"
        self.process = process
        self.minimum = minimum
        self.recipe = recipe
        self.log = Log()
        self.policies = MemoryBroker()
        self.registry_answers = registry_answers
        self.versions = 0
        self.rows = 0
        self.rng = np.random.default_rng(5)
        self.indexes: dict[int, int] = {}
        self.seqs: dict[str, int] = {}
        self.positions: list[dict[int, tuple[int, int]]] = [{}]
        self.log.append(topics.STREAMS, 0, self.definition(), self.key)
        self.driver = TaskDriver("trainer", self.task)

    def definition(self) -> StreamDefinition:
        task = StreamTask.REGRESSION if self.numbers else StreamTask.CLASSIFICATION
        features = tuple(Feature(name=f"f{i}") for i in range(WIDTH))
        return StreamDefinition(tenant="default", stream=self.stream, version=3, features=features, task=task, tolerance=2.0 * self.numbers)

    def task(self, partition: int, state: State) -> TrainerTask:
        rows, models = Rows(self.log), Models(self.log)
        ports = Ports(
            rows,
            models,
            Champions(self.log),
            FitQueue(rows, models, StreamDefinitions(self.log), self.process),
            self.policies.policies(Plan(self.recipe, Rule(self.minimum)), apply_policy),
            SIGNER,
            Metrics(CollectorRegistry()),
        )
        return TrainerTask(partition, state, ports)

    def batch(self, count: int, flipped: bool, device: str, partition: int) -> ExampleBatch:
        """Rows whose class is the sign of the first feature, or its number ten times it; the opposite once flipped."""
        features = self.rng.normal(size=(count, WIDTH)).astype(np.float32)
        positive = (features[:, 0] > 0) ^ flipped
        tenfold = (features[:, 0].astype(float) * (-10 if flipped else 10)).tolist()
        first = self.seqs.get(device, 0)
        self.seqs[device] = first + count
        index = self.indexes.get(partition, 0)
        self.indexes[partition] = index + count
        return ExampleBatch(
            tenant="default",
            stream=self.stream,
            device_id=device,
            boot_epoch=1,
            first_index=index,
            seqs=tuple(range(first, first + count)),
            features=features.tobytes(),
            labels=tuple(map(repr, tenfold)) if self.numbers else tuple("high" if p else "low" for p in positive),
            answers=("",) * count,
            model_versions=(0,) * count,
        )

    def label(self, sizes: list[int], flipped: bool = False, turns: list[int] | None = None) -> list[Received[Any]]:
        """Write batches of examples, of two devices by turns, and the partials of them; give back the partials as they will be received."""
        received: list[Received[Any]] = []
        for number, size in enumerate(sizes):
            partition, device = ((0, "d1"), (1, "d2"))[turns[number] if turns else number % 2]
            batch = self.batch(size, flipped, device, partition)
            offset = self.log.append(topics.EXAMPLES, partition, batch)
            partial = DriftPartial(
                tenant="default",
                stream=self.stream,
                device_id=device,
                partition=partition,
                offset=offset,
                first_index=batch.first_index,
                count=size,
            )
            at = self.log.append(topics.DRIFT_PARTIALS, 0, partial)
            received.append(self.driver.receive(topics.DRIFT_PARTIALS, partial, self.key, offset=at))
            self.rows += size
            position = dict(self.positions[-1])
            position[partition] = (offset + 1, batch.first_index + size)
            self.positions += [self.positions[-1]] * (size - 1) + [position]
        return received

    def request(self, first: int, row: int, gate: GateKind = GateKind.CHAMPION, until: int = 0, stage: int = 0) -> Received[Any]:
        """A request for the rows after ``first`` up to ``row``, both at the end of a batch."""
        start, end = self.positions[first], self.positions[row]
        ranges = tuple(
            Range(partition=p, first_offset=start.get(p, (0, 0))[0], end_offset=o, first_index=start.get(p, (0, 0))[1], end_index=i)
            for p, (o, i) in sorted(end.items())
        )
        request = TrainingRequest(
            tenant="default",
            stream=self.stream,
            request_id=f"c/{first}-{row}-{stage}",
            campaign="c",
            stage=stage,
            manifest=Manifest(cluster_id="here", topic=topics.EXAMPLES.name, ranges=ranges, rows=row - first),
            row=row,
            gate=gate,
            gate_until=until or row + 200,
        )
        return self.driver.receive(topics.TRAINING_REQUESTS, request, self.key)

    def deliver(self, *records: Received[Any], seconds: float = 60.0) -> list[Send]:
        """Handle records as one transaction; while one is not to be handled yet, wait as the loop does."""
        end = time.monotonic() + seconds
        while True:
            try:
                sent = [send for send in self.driver.transaction(list(records)) if isinstance(send, Send)]
                break
            except BackpressureError as pressure:
                while not pressure.ready():
                    assert time.monotonic() < end, "waits for ever"
                    time.sleep(0.01)
        for send in sent:
            partition = 0 if send.partition is None else send.partition
            if send.topic is topics.MODEL_CHUNKS:
                self.log.append(send.topic, partition, send.event, send.key)
            if isinstance(send.event, ModelCandidate) and self.registry_answers:
                self.accept(send.event)
        return sent

    def accept(self, candidate: ModelCandidate) -> None:
        """What the registry does."""
        assert signed_by([KEY.public_key()], candidate_statement(candidate), candidate.signature)
        assert candidate.champion_version == (self.versions or None)
        self.versions += 1
        version = ModelVersion(
            tenant="default",
            stream=self.stream,
            version=self.versions,
            request_id=candidate.request_id,
            file=candidate.file,
            rows=candidate.rows,
            definition_version=candidate.definition_version,
            recalls=candidate.recalls,
            classes=candidate.classes,
        )
        self.log.append(topics.MODEL_EVENTS, 0, version, self.key)

    def first_champion(self) -> None:
        """Two hundred rows, and version 1 fitted on them."""
        self.deliver(*self.label([20] * 10))
        self.deliver(self.request(0, 200, GateKind.MAJORITY))
        assert self.versions == 1


@pytest.fixture(scope="session")
def process() -> Iterator[FitProcess]:
    process = FitProcess(Limits())
    process.start()
    yield process
    process.close()


@pytest.fixture
def make_world(process: FitProcess) -> Callable[..., World]:
    def make(**more: Any) -> World:
        return World(process, **more)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
