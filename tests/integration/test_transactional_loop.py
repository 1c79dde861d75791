"""The loop on a real broker: nothing lost, nothing twice, over kills; bad bytes end in the dead letters."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Producer
from edgeloop_contracts import ObservationBatch, SeenRows, topics
from edgeloop_kafka import KafkaSettings, Received
from edgeloop_streaming import BackpressureError, Context, Send, State
from edgeloop_streaming.loop import Loop
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.transactions import DoubtError, TransactionalProducer
from prometheus_client import CollectorRegistry
from support.processes import environment
from support.toy import SERVICE, Counting

pytestmark = pytest.mark.integration
ROWS = 3_000


def publish(context: Context, numbers: range) -> None:
    publisher = context.publisher()
    for n in numbers:
        device = f"d{n % 7}"
        publisher.publish(
            topics.OBSERVATIONS_RAW,
            f"default/s/{device}",
            ObservationBatch(tenant="default", boot_epoch=0, stream="s", device_id=device, first_seq=n, count=1),
        )
    assert publisher.flush() == 0


def read(context: Context, topic) -> list:
    records: list = []
    follower = context.follower([topic])
    follower.refresh(records.append)
    follower.close()
    return records


def wait_for(context: Context, topic, count: int, seconds: float = 60) -> list:
    records: list = []
    follower = context.follower([topic])
    deadline = time.monotonic() + seconds
    while len(records) < count and time.monotonic() < deadline:
        records += follower.poll(0.1)
    follower.close()
    return records


def process(settings) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "support.toy"], env=environment(settings))


def test_a_service_killed_in_mid_stream_loses_nothing_and_repeats_nothing(cluster) -> None:
    settings = cluster.settings()
    context = Context(settings, "test")
    feeding = threading.Thread(target=lambda: [(publish(context, range(n, n + 100)), time.sleep(0.2)) for n in range(0, ROWS, 100)])
    running = process(settings)
    feeding.start()
    try:
        for _ in range(2):
            time.sleep(3)
            running.send_signal(signal.SIGKILL)
            running.wait()
            running = process(settings)
        feeding.join()
        seen = wait_for(context, topics.OBSERVATIONS, ROWS)
        counts = Counter(record.event.first_seq for record in seen)
        assert [n for n in range(ROWS) if counts[n] != 1] == []
        for device in {record.event.device_id for record in seen}:
            own = [record.event.first_seq for record in seen if record.event.device_id == device]
            assert own == sorted(own)
    finally:
        running.terminate()
        assert running.wait(20) == 0
    state = State()
    for record in read(context, topics.state("ingestion")):
        state.restore(record.key, record.event)
    assert sum(seen.ends[0] for _, seen in state.items(SeenRows)) == ROWS


@pytest.fixture
def running_loop(cluster):
    settings = cluster.settings()
    context = Context(settings, "test")
    loop = Loop(SERVICE, settings, context.codec, LoopMetrics(CollectorRegistry()), context.log)
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop.is_set,))
    thread.start()
    yield settings, context
    stop.set()
    thread.join()


def test_bad_bytes_end_in_the_dead_letters_and_the_stream_goes_on(running_loop) -> None:
    settings, context = running_loop
    raw = settings.topic_prefix + topics.OBSERVATIONS_RAW.name
    producer = Producer({"bootstrap.servers": settings.bootstrap, "message.max.bytes": 4 << 20})
    bad = [b"no avro", b"\0\0\0\xff\xffxyz", b"\0" * (topics.OBSERVATIONS_RAW.max_bytes + 100)]
    for value in bad:
        producer.produce(raw, value, key=b"default/s/d1", headers={"h": b"kept"})
    producer.flush()
    publish(context, range(3))
    assert {record.event.first_seq for record in wait_for(context, topics.OBSERVATIONS, 3)} == {0, 1, 2}
    letters = wait_for(context, topics.dead_letters("ingestion"), len(bad))
    assert {letter.event.value for letter in letters} == set(bad)
    assert {letter.event.reason for letter in letters} == {"NOT_AVRO", "UNKNOWN_SCHEMA", "TOO_LARGE"}
    assert all(letter.event.headers["h"] == b"kept" for letter in letters)


def test_what_a_record_causes_names_it_and_where_it_lies(running_loop) -> None:
    _, context = running_loop
    publish(context, range(1))
    (effect,) = wait_for(context, topics.OBSERVATIONS, 1)
    (cause,) = read(context, topics.OBSERVATIONS_RAW)
    assert effect.headers["ce_causationid"].decode() == cause.id
    assert effect.headers["ce_causationat"].decode() == cause.at
    assert effect.correlation == cause.correlation
    assert effect.headers["traceparent"][3:35] == cause.headers["traceparent"][3:35]


def test_a_range_of_records_can_be_read_again(running_loop) -> None:
    _, context = running_loop
    publish(context, range(50))
    seen = wait_for(context, topics.OBSERVATIONS, 50)
    reader = context.reader()
    for partition in {record.partition for record in seen}:
        own = sorted(record.offset for record in seen if record.partition == partition)
        again = reader.read(topics.OBSERVATIONS, partition, own[0], own[-1] + 1)
        assert [record.offset for record in again] == own
    reader.close()


class Held:
    """Keys that tasks wait for, and the records refused meanwhile."""

    def __init__(self, devices: Iterable[str]) -> None:
        self.devices = set(devices)
        self.ready = threading.Event()
        self.refused: list[str] = []

    def task(self, partition: int, state: State) -> Holding:
        return Holding(partition, state, self)

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not done():
            assert time.monotonic() < deadline, self.refused
            time.sleep(0.05)


class Holding(Counting):
    """Counts rows, but refuses those of some devices for now."""

    def __init__(self, partition: int, state: State, held: Held) -> None:
        super().__init__(partition, state)
        self._held = held

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        if received.event.device_id in self._held.devices and not self._held.ready.is_set():
            self._held.refused.append(received.event.device_id)
            raise BackpressureError(self._held.ready.is_set)
        return super().handle(received)


@contextmanager
def working(settings: KafkaSettings, context: Context, held: Held) -> Iterator[Loop]:
    loop = Loop(replace(SERVICE, task=held.task), settings, context.codec, LoopMetrics(CollectorRegistry()), context.log)
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop.is_set,))
    thread.start()
    try:
        yield loop
    finally:
        stop.set()
        thread.join()


def test_what_waited_goes_on_after_an_outcome_in_doubt(cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster.settings()
    context, held, doubts = Context(settings, "test"), Held(["d1"]), []
    commit = TransactionalProducer.commit

    def in_doubt_once(producer: TransactionalProducer, *given: Any) -> None:
        if held.refused and not doubts:
            doubts.append(1)
            raise DoubtError("the connection was cut")
        commit(producer, *given)

    monkeypatch.setattr(TransactionalProducer, "commit", in_doubt_once)
    with working(settings, context, held):
        publish(context, range(1, 2))
        held.until(lambda: bool(held.refused))
        publish(context, range(2, 30))
        held.until(lambda: bool(doubts))
        held.ready.set()
        assert Counter(record.event.first_seq for record in wait_for(context, topics.OBSERVATIONS, 29)) == Counter(range(1, 30))


def test_what_waited_goes_on_after_partitions_were_shared_out_anew(cluster) -> None:
    settings = cluster.settings()
    context, held = Context(settings, "test"), Held(f"d{n}" for n in range(7))
    with working(settings, context, held) as first:
        publish(context, range(30))
        held.until(lambda: bool(held.refused))
        with working(settings.model_copy(update={"instance": "1"}), context, held) as second:
            held.until(lambda: first.assigned and second.assigned)
            held.ready.set()
            assert Counter(record.event.first_seq for record in wait_for(context, topics.OBSERVATIONS, 30)) == Counter(range(30))
