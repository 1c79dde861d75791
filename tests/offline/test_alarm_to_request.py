"""Detection and retraining together on a drifting stream, against one plain loop over its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from edgeloop_contracts import DriftPartial, ExampleBatch, StartTraining, TrainingRequest, topics
from edgeloop_drift.core.policies import apply_policy as drift_taken
from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_drift.handlers import DriftTask
from edgeloop_drift.metrics import Metrics as DriftMetrics
from edgeloop_retraining.core.policy import Policy
from edgeloop_retraining.core.policy import apply_policy as retraining_taken
from edgeloop_retraining.handlers import RetrainingTask
from edgeloop_retraining.metrics import Metrics as RetrainingMetrics
from edgeloop_streaming.testing import MemoryBroker, TaskDriver
from prometheus_client import CollectorRegistry
from river.drift import ADWIN

ROWS, WARM, GROUP, DEVICES = 12_000, 1_200, 50, 4
PARTITION = [2, 0, 2, 3]  # of each device; two devices share one
POLICY = Policy()


def world() -> tuple[np.ndarray, np.ndarray]:
    """Rows of three classes that move twice, once abruptly and once slowly."""
    draw = np.random.default_rng(11)
    places = [draw.normal(scale=1.2, size=(3, 6)) for _ in range(3)]
    labels = draw.integers(0, 3, ROWS)
    slow = np.clip((np.arange(ROWS) - 7000) / 1000, 0, 1)
    area = np.where(np.arange(ROWS) < 4000, 0, np.where(draw.random(ROWS) < slow, 2, 1))
    rows = np.array([places[a][y] for a, y in zip(area, labels, strict=True)]) + draw.normal(size=(ROWS, 6))
    return rows.astype("<f4"), labels


ROWS_OF, LABELS = world()


@dataclass
class Centroids:
    """A nearest-centroid model."""

    centres: np.ndarray

    @classmethod
    def fit(cls, chosen: list[int]) -> Centroids:
        ordered = np.array(sorted(chosen, key=lambda i: (i % DEVICES, i)))
        of_class = [ROWS_OF[ordered[LABELS[ordered] == y]].astype(float) for y in range(3)]
        return cls(np.array([x.mean(axis=0) if len(x) else np.full(6, np.inf) for x in of_class]))

    def answer(self, i: int) -> int:
        return int(np.argmin(((self.centres - ROWS_OF[i]) ** 2).sum(axis=1)))


@dataclass
class Services:
    """The tasks of both services, and the topics between them."""

    examples: dict[int, list[ExampleBatch]] = field(default_factory=lambda: {p: [] for p in range(4)})
    requests: list[TrainingRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        drift, retraining = DriftMetrics(CollectorRegistry()), RetrainingMetrics(CollectorRegistry())
        broker = MemoryBroker()
        rules, policy = broker.policies(Rules(), drift_taken), broker.policies(POLICY, retraining_taken)
        self.drift = [
            TaskDriver("drift", lambda p, s: DriftTask(p, s, rules, lambda _, i: str(i), lambda _: 0.0, drift), p) for p in range(4)
        ]
        self.retraining = TaskDriver("retraining", lambda p, s: RetrainingTask(p, s, policy, "cluster", retraining), 1)

    def to_retraining(self, *records: tuple[object, object]) -> None:
        sent = self.retraining.transaction([self.retraining.receive(topic, event, "default/forest") for topic, event in records])
        self.requests += [send.event for send in sent]

    def learn(self, device: int, chosen: list[int], answers: list[int], version: int) -> None:
        partition = PARTITION[device]
        lying = self.examples[partition]
        batch = ExampleBatch(
            tenant="default",
            stream="forest",
            device_id=f"d{device}",
            boot_epoch=1,
            first_index=sum(len(b.seqs) for b in lying),
            seqs=tuple(i // DEVICES for i in chosen),
            labels=tuple(str(LABELS[i]) for i in chosen),
            answers=tuple(str(a) for a in answers) if version else ("",) * len(chosen),
            model_versions=(version,) * len(chosen),
        )
        lying.append(batch)
        for send in self.drift[partition].send(topics.EXAMPLES, batch):
            assert isinstance(send.event, DriftPartial)
            # Detection may be faster or slower than the rows; the test alternates both orders.
            found = [(s.topic, s.event) for s in self.drift[1].send(send.topic, send.event)]
            rows = [(send.topic, send.event)]
            self.to_retraining(*(rows + found if device % 2 else found + rows))

    def rows_of(self, request: TrainingRequest) -> list[int]:
        """Rows of a request, read from the examples as the trainer does."""
        chosen = []
        for r in request.manifest.ranges:
            for batch in self.examples[r.partition][r.first_offset : r.end_offset]:
                device = int(batch.device_id[1:])
                chosen += [
                    seq * DEVICES + device for k, seq in enumerate(batch.seqs) if r.first_index <= batch.first_index + k < r.end_index
                ]
        assert len(chosen) == request.manifest.rows
        return chosen


def groups() -> list[list[list[int]]]:
    """Rows by group and device."""
    return [[[i for i in range(n, n + GROUP) if i % DEVICES == d] for d in range(DEVICES)] for n in range(0, ROWS, GROUP)]


def by_services() -> tuple[list[list[int]], list[bool]]:
    services, model, right, windows = Services(), None, [], []
    services.to_retraining((topics.RETRAINING_COMMANDS, StartTraining(tenant="default", stream="forest", command_id="first", rows=WARM)))
    for group in groups():
        version = len(windows)
        for device, chosen in enumerate(group):
            answers = [model.answer(i) if model else 0 for i in chosen]
            right += [model is not None and a == LABELS[i] for a, i in zip(answers, chosen, strict=True)]
            services.learn(device, chosen, answers, version)
        for request in services.requests[len(windows) :]:
            windows.append(services.rows_of(request))
            model = Centroids.fit(windows[-1])
    return windows, right


def by_hand() -> tuple[list[list[int]], list[bool]]:
    order, right, windows, model, detector = [], [], [], None, ADWIN()
    opened, due = 0, []
    for group in groups():
        new = None
        for i in (i for chosen in group for i in chosen):
            order.append(i)
            right.append(model is not None and model.answer(i) == LABELS[i])
            n = len(order)
            if model:
                before = detector.estimation
                detector.update(int(not right[-1]))
                if detector.drift_detected and detector.estimation > before:
                    opened, due = n, [n + k for k in (200, 600, 2000, 5000, 10000)]
            if n == WARM:
                windows.append(order[:])
                opened, due = n, [n + k for k in (5000, 10000)]
            elif n in due and n > opened:
                windows.append(order[max(opened, n - 6000) : n])
            else:
                continue
            new = Centroids.fit(windows[-1])
        model = new or model
    return windows, right


def test_both_services_ask_for_the_same_rows_and_so_answer_the_same_as_a_plain_loop() -> None:
    windows, right = by_services()
    expected, expected_right = by_hand()
    assert [sorted(window) for window in windows] == [sorted(window) for window in expected]
    assert right == expected_right
    assert len(windows) >= 7, "the drifts lead to two campaigns at least"
    assert np.mean(right[4600:6900]) > np.mean(right[4000:4200]) + 0.1, "a campaign helps"
