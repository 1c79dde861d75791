"""Consumption from Kafka: our reader and our transactional loop against raw librdkafka.

The raw consumer calls ``consume(1000)`` with its fastest settings (``fetch.queue.backoff.ms=10``) and does nothing else. Each variant reads the
same records of one topic with four partitions; the loop commits as many transactions as it needs. The time is that from the first record to the
last, without the join of a group.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from edgeloop_cli.connection import Cluster
from edgeloop_contracts import Event, Topic, topics
from edgeloop_kafka import KafkaSettings, Received
from edgeloop_kafka.received_record import received_from
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_streaming import Context, Send, Service, State
from edgeloop_streaming.loop import Loop
from edgeloop_streaming.telemetry import LoopMetrics
from prometheus_client import CollectorRegistry

from benchmarks.cluster import PARTITIONS, cluster, fresh
from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import interleaved
from benchmarks.samples import batch, single_rows, values

RAW = "raw librdkafka"
BATCH_ROWS = 32
RAW_TOPICS = (topics.OBSERVATION_ROWS_RAW, topics.OBSERVATIONS_RAW)


def run(*, quick: bool) -> list[Figure]:
    """Ratios to raw consumption, for single rows and for batches of 32."""
    records, rounds = (2_000, 1) if quick else (90_000, 5)
    kinds: tuple[tuple[str, Topic, list[Event], int], ...] = (
        ("rows", topics.OBSERVATION_ROWS_RAW, list(single_rows(500)), 1),
        ("batches of 32", topics.OBSERVATIONS_RAW, [batch(i * BATCH_ROWS, values(BATCH_ROWS)) for i in range(50)], BATCH_ROWS),
    )
    figures: list[Figure] = []
    with cluster() as where:
        settings = fresh(where, RAW_TOPICS)
        for name, topic, events, rows in kinds[:1] if quick else kinds:
            count = records // 3 if rows > 1 else records
            fill(settings, topic, events, count)
            variants = _variants(where, settings, topic, events, count)
            measured = interleaved(variants, rounds)
            for variant, sample in measured.items():
                if variant == RAW:
                    figures.append(figure(f"consume/{name}: {RAW}", sample, "msgs/s", Kind.RATE))
                else:
                    figures.append(figure(f"consume/{name}: {variant} over {RAW}", sample.over(measured[RAW]), "x", Kind.RATIO))
    return figures


def fill(settings: KafkaSettings, topic: Topic, events: list[Event], count: int) -> None:
    """Produce ``count`` records at full speed, evenly over the partitions."""
    codec = Context(settings, "benchmark").codec
    encoded = [codec.encode(topic, event) for event in events]
    producer = Producer({**settings.librdkafka(), "enable.idempotence": True, "linger.ms": 5, "compression.type": "lz4"})
    name = settings.topic_prefix + topic.name
    for i in range(count):
        produce(producer, name, encoded[i % len(encoded)], f"default/pumps/pump-{i % 8}", i % PARTITIONS)
    assert producer.flush(60) == 0


def produce(producer: Producer, topic: str, value: bytes, key: str, partition: int) -> None:
    """Produce a record; waits while the queue is full."""
    while True:
        try:
            producer.produce(topic, value=value, key=key.encode(), partition=partition)
        except BufferError:
            producer.poll(0.05)
        else:
            return


def _variants(where: Cluster, settings: KafkaSettings, topic: Topic, events: list[Event], count: int) -> dict[str, Callable[[], float]]:
    name = settings.topic_prefix + topic.name
    codec = Context(settings, "benchmark").codec
    return {
        RAW: lambda: _raw(settings, name, count),
        "PartitionReader": lambda: _reader(settings, name, count, lambda _: None),
        "PartitionReader, decoded": lambda: _reader(settings, name, count, lambda message: received_from(message, topic, codec)),
        "transactional loop": lambda: _loop(where, topic, events, count),
    }


def _raw(settings: KafkaSettings, topic: str, count: int) -> float:
    consumer = Consumer(
        {
            **settings.librdkafka(),
            "group.id": "benchmark",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 10,
            "queued.max.messages.kbytes": 32_768,
        }
    )
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(PARTITIONS)])
    try:
        return _timed(lambda wanted: len(consumer.consume(min(1000, wanted), 0.1)), count)
    finally:
        consumer.close()


def _reader(settings: KafkaSettings, topic: str, count: int, handle: Callable[..., object]) -> float:
    reader = PartitionReader(settings)
    reader.assign(dict.fromkeys(((topic, p) for p in range(PARTITIONS)), OFFSET_BEGINNING))

    def turn(_: int) -> int:
        messages = reader.poll(0.1)
        for message in messages:
            handle(message)
        return len(messages)

    try:
        return _timed(turn, count)
    finally:
        reader.close()


def _timed(turn: Callable[[int], int], count: int) -> float:
    """Messages a second, from the first one until ``count`` have arrived; each call of a variant gets the number still wanted."""
    while True:
        began = time.perf_counter()
        if seen := turn(count):
            break
    while seen < count:
        seen += turn(count - seen)
    return seen / (time.perf_counter() - began)


class _Counting:
    """A task that handles every record and does nothing."""

    def __init__(self, times: list[float]) -> None:
        self._times = times

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        del received
        self._times.append(time.perf_counter())
        return ()

    def flush(self) -> Iterable[Send]:
        return ()


def _loop(where: Cluster, topic: Topic, events: list[Event], count: int) -> float:
    """Messages a second of the whole loop: fetched, decoded, counted, with offsets and a checkpoint in each transaction.

    Offsets and state outlive a run, so each run has its own topics with the same records.
    """
    settings = fresh(where, [topic, topics.state("ingestion"), topics.dead_letters("ingestion"), topics.redrive("ingestion")])
    fill(settings, topic, events, count)
    times: list[float] = []

    def task(_: int, __: State) -> _Counting:
        return _Counting(times)

    context = Context(settings, "ingestion")
    service = Service(name="ingestion", inputs=(topic,), task=task)
    loop = Loop(service, settings, context.codec, LoopMetrics(CollectorRegistry()), context.log)
    loop.run(lambda: len(times) >= count)
    return (len(times) - 1) / (times[-1] - times[0])
