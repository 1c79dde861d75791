"""The pipeline from observations to signals: ingestion, labels and drift as processes, on a stream that drifts half-way.

All records are sent at once, and the time ends once detection has folded the last row. Rows per core are rows divided by the processor time of
the three services, without that of Kafka and the feed. So other load on the machine hardly changes them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeloop_cli import cluster_setup
from edgeloop_cli.connection import Cluster
from edgeloop_contracts import DriftSignal, topics
from edgeloop_contracts.services import SERVICES as SPECS
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context

from benchmarks.cluster import cluster, fresh
from benchmarks.feed import Case, Feed, define, make
from benchmarks.figures import Figure, Kind, figure
from benchmarks.processes import Watched, running, spec_of, until
from benchmarks.rounds import Sample

SERVICES = ("ingestion", "labels", "drift")
_USED = {one.topic.name: one.topic for name in SERVICES for one in (*SPECS[name].reads, *SPECS[name].writes)}
TOPICS = (*_USED.values(), *(of(name) for name in SERVICES for of in (topics.state, topics.dead_letters, topics.redrive)))
ROWS = {Case.BATCHES: 400_000, Case.LABELLED: 24_000, Case.ROWS: 40_000}
QUICK_ROWS = 1_600
SIGNALLING_ROWS = 16_000  # with fewer, detection still learns the usual scale
LIMIT_S = 240.0


@dataclass(frozen=True, slots=True)
class Passage:
    """Time of one feed.

    Attributes
    ----------
    wall
        Seconds from the first record sent to the last row folded.
    cpu
        Seconds of processor time by service.
    """

    rows: int
    wall: float
    cpu: dict[str, float]

    @property
    def per_core(self) -> float:
        """Rows a second and core, for all three services together."""
        return self.rows / sum(self.cpu.values())


def run(*, quick: bool) -> list[Figure]:
    """Rows a second and microseconds a row, for each form of input."""
    passages: dict[Case, list[Passage]] = {case: [] for case in ([Case.LABELLED] if quick else Case)}
    with cluster() as where:
        for _ in range(1 if quick else 3):
            for case, found in passages.items():
                with stage(where) as (settings, services):
                    feed = make(Context(settings, "benchmark"), case, QUICK_ROWS if quick else ROWS[case])
                    found.append(passage(settings, services, case, feed))
    return [one for case, found in passages.items() for one in _figures(case, found)]


def _figures(case: Case, passages: list[Passage]) -> Iterator[Figure]:
    head = f"pipeline/{case}"

    def sample(of: Callable[[Passage], float]) -> Sample:
        return Sample(tuple(map(of, passages)))

    yield figure(f"{head}: rows per core", sample(lambda p: p.per_core), "rows/s", Kind.RESOURCE)
    yield figure(f"{head}: rows by the clock", sample(lambda p: p.rows / p.wall), "rows/s", Kind.RATE)
    for name in SERVICES:
        spent = sample(lambda p, name=name: 1e6 * p.cpu[name] / p.rows)
        yield figure(f"{head}: {name}'s processor time a row", spent, "µs", Kind.RESOURCE, lower_is_better=True)


@contextmanager
def stage(where: Cluster) -> Iterator[tuple[KafkaSettings, dict[str, Watched]]]:
    """The three services, ready, on empty topics with a defined stream."""
    settings = fresh(where, TOPICS)
    define(Context(settings, "benchmark"))
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as name:
        folder = Path(name)
        cluster_setup.make_keys(folder)
        with running(spec_of(service, settings, folder) for service in SERVICES) as services:
            for one in services.values():
                one.wait()
            yield settings, services


def passage(settings: KafkaSettings, services: dict[str, Watched], case: Case, feed: Feed) -> Passage:
    """Send a feed, and wait until detection has folded its last row and raised the signal."""
    drift = services["drift"]
    before = {name: one.cpu() for name, one in services.items()}
    began = time.perf_counter()
    feed.send(settings)

    def folded() -> bool:
        blocks = drift.metric("edgeloop_drift_blocks_total") >= feed.blocks
        return blocks and (case is not Case.LABELLED or drift.metric("edgeloop_drift_rows_total") >= feed.rows)

    until(folded, services.values(), LIMIT_S)
    wall = time.perf_counter() - began
    spent = {name: one.cpu() - before[name] for name, one in services.items()}
    _check(settings, signals=feed.rows >= SIGNALLING_ROWS)
    return Passage(feed.rows, wall, spent)


def _check(settings: KafkaSettings, *, signals: bool) -> None:
    """Check that there was a signal and no refusal: otherwise the figures are void."""
    context = Context(settings, "benchmark")
    dead: list[object] = []
    letters = context.follower([topics.dead_letters(name) for name in SERVICES])
    letters.refresh(dead.append)
    letters.close()
    if dead:
        raise RuntimeError(f"{len(dead)} dead letters: {dead[0]}")
    follower = context.follower([topics.DRIFT_SIGNALS])
    deadline = time.monotonic() + 15
    found = not signals
    while not found:  # the counters are updated a moment later
        found = any(isinstance(record.event, DriftSignal) for record in follower.poll(0.2))
        if time.monotonic() > deadline:
            raise RuntimeError("no drift was signalled")
    follower.close()
