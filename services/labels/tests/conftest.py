from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeloop_contracts import ExampleBatch, Label, ObservationBatch, Topic, topics
from edgeloop_kafka import Received
from edgeloop_labels.core.rules import Rules
from edgeloop_labels.handlers import LabelsTask
from edgeloop_labels.io.cache import PendingCache
from edgeloop_labels.io.database import PendingFile
from edgeloop_labels.metrics import Metrics
from edgeloop_readers import RangeGoneError
from edgeloop_streaming import Forward, Send, State
from edgeloop_streaming.testing import TaskDriver
from prometheus_client import CollectorRegistry


class Bench:
    """A label join with its log of observations, and its disk, which can be lost.

    Attributes
    ----------
    log
        The topic ``observations``; ``first`` is the offset up to which retention has deleted.
    """

    def __init__(self, folder: Path, rules: Rules, memory: int = 1 << 20) -> None:
        self.log: dict[int, Received[ObservationBatch]] = {}
        self.first = 0
        self.reads = 0
        self.registry = CollectorRegistry()
        self._metrics = Metrics(self.registry)
        self._folder = folder
        self._files = itertools.count()
        self._rules = rules
        self._memory = memory
        self.lose_disk()
        self.driver = TaskDriver("labels", self.make)

    def make(self, partition: int, state: State) -> LabelsTask:
        cache = PendingCache(PendingFile(self.path), self._memory)
        return LabelsTask(partition, state, cache, self, self._rules, self._metrics)

    def lose_disk(self) -> None:
        self.path = self._folder / f"{next(self._files)}.sqlite"

    def read(self, topic: Topic, partition: int, first: int, end: int) -> list[Received[ObservationBatch]]:
        assert (topic, partition) == (topics.OBSERVATIONS, 0)
        self.reads += 1
        if first < self.first:
            raise RangeGoneError(f"{first}")
        return [self.log[offset] for offset in range(first, end) if offset in self.log]

    def receive(self, event: ObservationBatch | Label, timestamp: int | None = None) -> Received:
        topic = topics.LABELS if isinstance(event, Label) else topics.OBSERVATIONS
        received = self.driver.receive(topic, event, key=f"default/pumps/{event.device_id}", timestamp=timestamp)
        if isinstance(event, ObservationBatch):
            self.log[received.offset] = received
        return received

    def send(self, *events: ObservationBatch | Label, timestamp: int | None = None) -> list[Send | Forward]:
        """Handle events in one transaction."""
        return self.driver.transaction([self.receive(event, timestamp) for event in events])

    def count(self, metric: str, outcome: str) -> float:
        return self.registry.get_sample_value(f"edgeloop_labels_{metric}_total", {"outcome": outcome}) or 0.0


def _observed(first: int, count: int = 1, device: str = "p1", epoch: int = 1, **fields: object) -> ObservationBatch:
    rows = np.arange(first, first + count, dtype="<f4").repeat(2)
    base = ObservationBatch(
        tenant="default",
        stream="pumps",
        device_id=device,
        boot_epoch=epoch,
        first_seq=first,
        count=count,
        features=rows.tobytes(),
        model_version=3,
    )
    return ObservationBatch.from_dict(base.as_dict() | fields)


def _label(seq: int, text: str = "ok", device: str = "p1", epoch: int = 1, request_id: str = "") -> Label:
    return Label(tenant="default", stream="pumps", device_id=device, boot_epoch=epoch, seq=seq, request_id=request_id, label=text)


def _examples(sent: list[Send | Forward]) -> list[ExampleBatch]:
    return [effect.event for effect in sent if isinstance(effect, Send) and isinstance(effect.event, ExampleBatch)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Rules())


@pytest.fixture
def make_bench(tmp_path: Path) -> Callable[..., Bench]:
    return lambda **rules: Bench(tmp_path, Rules(**rules))


@pytest.fixture(scope="session")
def observed() -> Callable[..., ObservationBatch]:
    return _observed


@pytest.fixture(scope="session")
def label() -> Callable[..., Label]:
    return _label


@pytest.fixture(scope="session")
def examples() -> Callable[[list[Send | Forward]], list[ExampleBatch]]:
    return _examples


@pytest.fixture(scope="session")
def bench_type() -> type[Bench]:
    return Bench
