"""SIGKILL to each service, a device and the broker, then to two at once: nothing is lost, doubled or out of order."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeloop_cli.session import consumed
from edgeloop_contracts import DeviceReport, Label, ObservationBatch, RegisterStream, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_local import LocalStack, Supervisor
from edgeloop_streaming import Context
from faults.scene import RECOVERY_S, Elsewhere, Feed, Item, Watcher, create, kill, watching
from faults.whole_loop import DEVICE, PUMPS, SMALL, Asking, orders, processes, register, rows
from support import verdicts
from support.broker import Cluster
from support.checker import Checker, Findings, Row, Seen, check_rows, rows_of
from support.processes import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(480)]
RATE = 200
Recoveries = list[tuple[str, float]]


class Loop:
    """The working loop, and the recovery time of each part.

    Parameters
    ----------
    services, asking, watcher
        The victims, and the sign of recovery: a transaction of a service, an answer of the device.
    prefix
        Of topics.
    """

    def __init__(self, services: Supervisor, asking: Asking, watcher: Watcher, prefix: str) -> None:
        self._services = services
        self.works: dict[str, Callable[[float], float]] = {
            name: lambda moment, name=name: watcher.first_after(prefix + topics.state(name).name, moment, 120)
            for name in topics.STATE_KINDS
        }
        self.works[DEVICE] = lambda moment: asking.first_after(moment, 120)

    def kill_each(self, at_once: int) -> Recoveries:
        """Kill each, some together; the next once those before have recovered."""
        names, recovered = list(self.works), Recoveries()
        for first in range(0, len(names), at_once):
            moments = [(name, kill(self._services, name)) for name in names[first : first + at_once]]
            recovered += [(name, self.works[name](moment)) for name, moment in moments]
        return recovered

    def kill_broker(self, stack: LocalStack, away_s: float) -> Recoveries:
        """Kill the broker and start it again; recoveries count from when it is back."""
        os.kill(stack.kafka.child.pid, signal.SIGKILL)
        time.sleep(away_s)
        stack.restart(stack.kafka)
        back = time.time()
        return [(f"{name} after the broker", works(back)) for name, works in self.works.items()]


class Judge:
    """Reads all records of one run.

    Parameters
    ----------
    checker
        Reads topics.
    items, answered
        What was sent, and the rows that the device answered.
    """

    def __init__(self, checker: Checker, items: list[Item], answered: list[Row]) -> None:
        self._checker = checker
        self._items = items
        self._answered = answered
        self._read: dict[tuple[str, str], list[Seen]] = {}
        self.found = Findings()

    def read(self, topic: str, kind: str) -> list[Seen]:
        """Records of a topic, read once."""
        if (topic, kind) not in self._read:
            self._read[topic, kind] = self._checker.read(topic, kind)
        return self._read[topic, kind]

    def rows(self) -> None:
        """Each row and each label once and in order, as observation, as label, as example, and folded."""
        events = [event for _, _, event in self._items]
        observed = [
            (e.device_id, e.boot_epoch, e.first_seq + n, e.stream)
            for e in events
            if isinstance(e, ObservationBatch)
            for n in range(e.count)
        ]
        labels = [(e.device_id, e.boot_epoch, e.seq, e.stream) for e in events if isinstance(e, Label)]
        answered = [(*row, PUMPS) for row in self._answered]
        for topic, kind, sent in (
            ("observations", "ObservationBatch", observed + answered),
            ("labels", "Label", labels + answered),
            ("examples", "ExampleBatch", labels + answered),
        ):
            for stream in (PUMPS, *SMALL):
                came = rows_of(seen for seen in self.read(topic, kind) if seen.value["stream"] == stream)
                check_rows(f"{topic} of {stream}", [row[:3] for row in sent if row[3] == stream], came, self.found)
        verdicts.partials(self.read("examples", "ExampleBatch"), self.read("drift.partials", "DriftPartial"), self.found)

    def models(self) -> dict[str, dict[int, str]]:
        """Definitions, requests, runs, candidates, versions and assignments, each once and of one another; gives the versions."""
        wanted = {(e.stream, 1) for _, _, e in self._items if isinstance(e, RegisterStream)}
        verdicts.same(
            "definition", sorted(wanted), verdicts.names(self.read("streams", "StreamDefinition"), "stream", "version"), self.found
        )
        runs, candidates = self.read("training.runs", "TrainingRun"), self.read("model.candidates", "ModelCandidate")
        verdicts.training(self.read("training.requests", "TrainingRequest"), runs, candidates, self.found)
        refused = self.read("model.events", "CandidateRefused")
        digests = verdicts.versions(candidates, self.read("model.events", "ModelVersion"), refused, self.found)
        reported = [(e.stream, e.device_id) for _, _, e in self._items if isinstance(e, DeviceReport)]
        verdicts.assignments(digests, [*reported, (PUMPS, DEVICE)], self.read("rollout.assignments", "Assignment"), self.found)
        return digests

    def transactions(self) -> None:
        """Each service's transactions follow one another, agree with its group's offsets, and caused all that it wrote."""
        inputs = consumed()
        for service in topics.STATE_KINDS:
            ranges = self._checker.chain(service, inputs[service], self.found)
            for topic in topics.PUBLIC:
                if topic.producer == service:
                    for kind in topic.kinds:
                        self._checker.causes(self.read(topic.name, kind.__name__), ranges, self.found)


def started(own: Cluster) -> tuple[KafkaSettings, Context]:
    """A place of its own for the loop."""
    settings = own.settings(topics=False)
    loops = [topic for topic in topics.all_topics() if topic is not topics.ALERTS]
    create(settings, loops)
    return settings, Context(settings, "test")


def all_answered(checker: Checker) -> bool:
    """Whether each request has a training run; a fit may outlast the quiet time of the rest."""
    requests, runs = checker.read("training.requests", "TrainingRequest"), checker.read("training.runs", "TrainingRun")
    return set(verdicts.names(requests, "stream", "request_id")) <= set(verdicts.names(runs, "stream", "request_id"))


def told(times: Recoveries) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times)


@pytest.mark.parametrize(
    ("events", "away_s", "two_at_once"),
    [(12_000, 1, False), pytest.param(20_000, 60, True, marks=pytest.mark.faults)],
    ids=["each", "two-at-once"],
)
def test_what_is_killed_in_mid_stream_loses_and_repeats_nothing(
    own: Cluster, stack: LocalStack, tmp_path: Path, events: int, away_s: float, two_at_once: bool
) -> None:
    settings, context = started(own)
    made = processes(settings, tmp_path)
    definitions = [register(stream) for stream in (PUMPS, *SMALL)]
    first = Feed(context, iter(definitions), rate=1_000)
    feed = Feed(context, itertools.islice(rows(), events), rate=RATE)
    feed.hold = events * 9 // 10
    slow = Feed(context, orders(), rate=RATE)
    slow.hold = 0
    asking = Asking(context, made.device)
    streams = settings.topic_prefix + topics.STREAMS.name
    states = [settings.topic_prefix + topics.state(service).name for service in topics.STATE_KINDS]
    with watching(own.bootstrap, [streams, *states]) as watcher, Supervisor(made.specs.values()) as services:
        first.start()
        watcher.wait(streams, lambda n: n >= len(definitions), 60)
        feed.start()
        slow.start()
        eventually(lambda: asking.version() > 0, what="a first version on the device")
        asking.start()
        loop = Loop(services, asking, watcher, settings.topic_prefix)
        recovered: Recoveries = []
        elsewhere = Elsewhere()
        recovered += loop.kill_each(1)
        answered = len(asking.answered)
        recovered += loop.kill_broker(stack, away_s)
        assert len(asking.answered) > answered + 20, "the device answers without a broker"
        if two_at_once:
            recovered += loop.kill_each(2)
        limit = elsewhere.limit(RECOVERY_S)
        assert len(feed.sent) < events, "the last kill was not in mid-stream"
        asking.stop()
        slow.stop()
        feed.rate, feed.hold = 4_000, events
        feed.finish()
        watcher.settled(quiet_s=2, timeout=120)
        checker = Checker(own.bootstrap, settings.topic_prefix)
        eventually(lambda: all_answered(checker), what="a run for each request")
        watcher.settled(quiet_s=2, timeout=120)
        judge = Judge(checker, [*first.sent, *feed.sent, *slow.sent], asking.answered)
        versions = judge.models()
        eventually(lambda: asking.version() == max(versions[PUMPS]), what="the newest version on the device")
        asking.close()
    judge.rows()
    judge.transactions()
    print(f"recovered in {told(recovered)}; load {os.getloadavg()[0]:.0f}, limit {limit:.0f} s")
    print(f"{len(asking.answered)} answers, {sum(map(len, versions.values()))} versions, {len(versions[PUMPS])} of {PUMPS}")
    assert judge.found.wrong == 0, str(judge.found)
    assert max(seconds for _, seconds in recovered) <= limit, f"{told(recovered)}; limit {limit:.1f} s"
