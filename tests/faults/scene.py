"""Shared parts of the fault tests: supervised services, a feed, and a watcher of outputs."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from confluent_kafka import Consumer, TopicPartition
from edgeloop_cli.topics_apply import REGISTRY_ATTEMPTS
from edgeloop_cli.topics_plan import Sizes
from edgeloop_contracts import Event, ObservationBatch, Topic, topics
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import KafkaSettings, SchemaRegistry
from edgeloop_kafka.admin import Admin
from edgeloop_local import ChildSpec, State, Supervisor
from edgeloop_streaming import Context
from support.broker import Cluster
from support.checker import Checker, Findings, check_rows, rows_of
from support.processes import environment

Item = tuple[Topic, str, Event]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of service process.

    Attributes
    ----------
    service
        Name, as in ``topics``.
    module
        What ``python -m`` runs.
    inputs
        Topics that it reads.
    outputs
        Topics that it writes; to the first something for every few inputs.
    """

    service: str
    module: str
    inputs: tuple[Topic, ...]
    outputs: tuple[Topic, ...]


TOY = Kind("ingestion", "support.toy", (topics.OBSERVATIONS_RAW,), (topics.OBSERVATIONS,))
DEVICES = 7
TRICKLE = 10.0  # items a second at first; fewer as it goes on, so that it lasts on a slow machine
RECOVERY_S = 15.0


def numbered() -> Iterator[Item]:
    """Rows of some devices in turn, one a batch, without end."""
    for n in itertools.count():
        device = f"d{n % DEVICES}"
        batch = ObservationBatch(tenant="default", stream="s", device_id=device, boot_epoch=1, first_seq=n // DEVICES, count=1)
        yield topics.OBSERVATIONS_RAW, f"default/s/{device}", batch


def forwarded(checker: Checker, items: Iterable[Item]) -> Findings:
    """Errors in the output of the toy, or of the naive loop, for :func:`numbered` items."""
    found = Findings()
    outputs = checker.read("observations", "ObservationBatch")
    sent = [(event.device_id, event.boot_epoch, event.first_seq) for _, _, event in items if isinstance(event, ObservationBatch)]
    check_rows("observations", sent, rows_of(outputs), found)
    ranges = checker.chain("ingestion", ["observations.raw"], found)
    checker.causes(outputs, ranges, found)
    caused = {seen.cause for seen in outputs}
    handled = {(*place, n) for place, own in ranges.items() for first, end in own for n in range(first, end)}
    found.torn += [f"{place} handled without an output" for place in sorted(handled - caused)]
    return found


def prepared(cluster: Cluster, kinds: Iterable[Kind], more: Iterable[Topic] = ()) -> KafkaSettings:
    """Settings with a new prefix and only the topics of these services, so that a broker restarts sooner."""
    settings = cluster.settings(topics=False)
    wanted = {topic.name: topic for topic in more}
    for kind in kinds:
        service = [make(kind.service) for make in (topics.state, topics.dead_letters, topics.redrive)]
        own = (*kind.inputs, *kind.outputs, *service)
        wanted |= {topic.name: topic for topic in own}
    create(settings, wanted.values())
    return settings


def create(settings: KafkaSettings, wanted: Iterable[Topic]) -> None:
    """Make topics and register their schemas.

    A state topic keeps all its checkpoints for the checker, since only closed segments are compacted.
    """
    sized = [Sizes(partitions=4, replication=1).wanted(topic) for topic in wanted]
    kept = [replace(one, config={**one.config, "segment.bytes": str(1 << 30)}) if one.topic.compacted else one for one in sized]
    Admin(settings, timeout=60).create(kept)
    with SchemaRegistry(settings.schema_registry_url, attempts=REGISTRY_ATTEMPTS) as registry:
        for one in sized:
            for each in one.topic.kinds:
                registry.register(settings.topic_prefix + one.topic.subject(each), TEXTS[each.FULLNAME])


def spec(kind: Kind, settings: KafkaSettings, logs: Path, bootstrap: str = "", **env: str) -> ChildSpec:
    """The process of one kind of service."""
    argv = [sys.executable, "-m", kind.module]
    return ChildSpec(
        kind.service,
        argv,
        log=logs / f"{kind.service}.log",
        env=environment(settings, **({"EDGELOOP_KAFKA_BOOTSTRAP": bootstrap} if bootstrap else {}), **env),
    )


def kill(services: Supervisor, name: str) -> float:
    """SIGKILL a running child; give back when, in seconds since 1970."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for status in services.status():
            if status.name == name and status.state is State.RUNNING and status.pid is not None:
                os.kill(status.pid, signal.SIGKILL)
                return time.time()
        time.sleep(0.02)
    raise AssertionError(f"{name} does not run: {services.status()}")


class Elsewhere:
    """Share of the machine's processor time that other programs take, from now on.

    A recovery takes longer on a busy machine, so limits of time hold for a free one.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy, self._own = self._spent()

    @property
    def share(self) -> float:
        """From 0 to 1."""
        busy, own = self._spent()
        there = (time.monotonic() - self._began) * (psutil.cpu_count() or 1)
        return min(max((busy - self._busy - own + self._own) / there, 0.0), 1.0)

    def limit(self, seconds: float) -> float:
        """The limit for a free machine, stretched by the share of others; at most four times."""
        return seconds / max(1 - self.share, 0.25)

    @staticmethod
    def _spent() -> tuple[float, float]:
        """Processor time of all, and of this process with all that it started, in seconds."""
        total = psutil.cpu_times()
        mine = 0.0
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            with suppress(psutil.Error):
                mine += sum(process.cpu_times()[:4])  # with children that have ended
        return total.user + total.nice + total.system, mine


class Feed:
    """Publishes items in their order from a thread, at a rate that can be changed.

    Parameters
    ----------
    context
        Of the test.
    items
        What to send.
    rate
        Items a second.

    Attributes
    ----------
    hold
        From this item on only a trickle is sent, so that the feed does not end before its time.
    """

    def __init__(self, context: Context, items: Iterator[Item], rate: float) -> None:
        self._publisher = context.publisher(timeout_s=240)
        self._items = items
        self.rate = rate
        self.hold = sys.maxsize
        self.sent: list[Item] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sending; wait for the acknowledgements."""
        self._stop.set()
        self.finish()

    def finish(self, timeout: float = 120) -> None:
        """Wait until all is sent and acknowledged."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the feed did not end"
        assert self._publisher.flush(60) == 0
        assert self._publisher.failures() == []

    def _run(self) -> None:
        due = time.monotonic()
        for topic, key, event in self._items:
            self._publisher.publish(topic, key, event)
            self.sent.append((topic, key, event))
            held = len(self.sent) - self.hold
            due = max(due + 1 / (self.rate if held < 0 else TRICKLE / (1 + held / 200)), time.monotonic() - 0.2)
            if len(self.sent) % 10 == 0 or len(self.sent) > self.hold:
                self._publisher.poll(0)
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return


class Watcher:
    """Follows committed records of some topics from a thread and keeps their partitions' counts and times.

    Parameters
    ----------
    bootstrap
        Where.
    names
        Full names of topics.
    """

    def __init__(self, bootstrap: str, names: Sequence[str]) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "watcher",
                "log_level": 2,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "reconnect.backoff.max.ms": 500,
                "fetch.wait.max.ms": 100,
            }
        )
        self._consumer.assign(
            [TopicPartition(name, p, 0) for name in names for p in self._consumer.list_topics(name, timeout=20).topics[name].partitions]
        )
        self.counts = dict.fromkeys(names, 0)
        self._stamps: dict[str, list[tuple[float, float]]] = {name: [] for name in names}  # when each was made, when it came
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def first_after(self, name: str, moment: float, timeout: float) -> float:
        """Seconds from ``moment`` until the first later record was readable, however late this is asked."""
        deadline = moment + timeout
        while time.time() < deadline:
            if any(made > moment for made, _ in self._stamps[name][-5:]):
                return min(came for made, came in self._stamps[name] if made > moment) - moment
            time.sleep(0.01)
        raise AssertionError(f"nothing new in {name} for {timeout:.0f} s")

    def wait(self, name: str, enough: Callable[[int], bool], timeout: float) -> None:
        """Wait until so many records have come."""
        assert self.came(name, enough, timeout), f"{self.counts[name]} records of {name} in {timeout:.0f} s"

    def came(self, name: str, enough: Callable[[int], bool], timeout: float) -> bool:
        """Wait until so many records have come; give back whether they have."""
        deadline = time.monotonic() + timeout
        while not enough(self.counts[name]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return enough(self.counts[name])

    def settled(self, quiet_s: float, timeout: float) -> None:
        """Wait until nothing has come for some seconds."""
        deadline = time.monotonic() + timeout
        before, since = dict(self.counts), time.monotonic()
        while time.monotonic() - since < quiet_s and time.monotonic() < deadline:
            time.sleep(0.1)
            if self.counts != before:
                before, since = dict(self.counts), time.monotonic()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(500, 0.1):
                if message.error() is None:
                    self._stamps[message.topic()].append((message.timestamp()[1] / 1000, time.time()))
                    self.counts[message.topic()] += 1


@contextmanager
def watching(bootstrap: str, names: Sequence[str]) -> Iterator[Watcher]:
    """A watcher that is closed at the end."""
    watcher = Watcher(bootstrap, names)
    try:
        yield watcher
    finally:
        watcher.close()
