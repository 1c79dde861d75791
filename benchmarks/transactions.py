"""Transactional against plain producers, with 100, 1,000 and 10,000 messages per transaction.

The plain one is an idempotent producer with the same settings that waits only at its end. A transaction is that of the loop: produce, send
offsets, commit, and wait for the statistics that confirm the commit (see ADR 0002). The wait is a figure of its own, because a service fetches
meanwhile and waits for the rest alone.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from confluent_kafka import Consumer, Producer, TopicPartition
from edgeloop_contracts import topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context
from edgeloop_streaming.transactions import TransactionalProducer

from benchmarks.cluster import PARTITIONS, cluster, fresh
from benchmarks.consume import produce
from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import Sample, interleaved
from benchmarks.samples import single_rows

SIZES = (100, 1_000, 10_000)
AIMED = 1_000
SHARE_AIM, COMMIT_AIM_MS = 55.0, 10.0
PLAIN = "plain"


@dataclass(slots=True)
class Times:
    """Milliseconds of each transaction's parts."""

    commit: list[float] = field(default_factory=list[float])
    confirmed: list[float] = field(default_factory=list[float])


def run(*, quick: bool) -> list[Figure]:
    """Shares of the plain producer, and times of a commit."""
    sizes, rounds = ((100, 1_000), 1) if quick else (SIZES, 5)
    messages = 2_000 if quick else 40_000
    with cluster() as where:
        settings = fresh(where, [topics.OBSERVATION_ROWS_RAW])
        context = Context(settings, "benchmark")
        topic = settings.topic_prefix + topics.OBSERVATION_ROWS_RAW.name
        values = [context.codec.encode(topics.OBSERVATION_ROWS_RAW, row) for row in single_rows(500)]
        times = {size: Times() for size in sizes}
        with _transactional(settings) as (producer, group):
            variants: dict[str, Callable[[], float]] = {PLAIN: lambda: _plain(settings, topic, values, messages)}
            for size in sizes:
                count = max(1, min(messages, 60 * size) // size)
                for wait in (False, True):
                    variants[_name(size, wait=wait)] = lambda size=size, count=count, wait=wait: _transactions(
                        producer, group, topic, values, size, count, times[size], wait=wait
                    )
            measured = interleaved(variants, rounds)
    return _figures(measured, times)


def _name(size: int, *, wait: bool) -> str:
    return f"{size:,} a transaction, each confirmed" if wait else f"{size:,} a transaction"


def _figures(measured: dict[str, Sample], times: dict[int, Times]) -> list[Figure]:
    plain = measured[PLAIN]
    figures = [figure("transactions/plain", plain, "msgs/s", Kind.RATE)]
    for size, own in times.items():
        for wait in (False, True):
            name = _name(size, wait=wait)
            share = Sample(tuple(100 * value for value in measured[name].over(plain).values))
            aim = SHARE_AIM if size == AIMED and not wait else None
            figures.append(figure(f"transactions/{name}, of plain", share, "%", Kind.RATIO, aim=aim))
        for what, values in (("commit", own.commit), ("commit and confirmation", own.confirmed)):
            aim = COMMIT_AIM_MS if size == AIMED and what == "commit" else None
            p99 = statistics.quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]
            figures.append(
                figure(
                    f"transactions/{what} of {size:,}, p50",
                    Sample(tuple(values)),
                    "ms",
                    Kind.RATE,
                    lower_is_better=True,
                    aim=aim,
                    note=f"p99 {p99:.1f} ms",
                )
            )
    return figures


def _plain(settings: KafkaSettings, topic: str, values: list[bytes], messages: int) -> float:
    producer = Producer(
        {
            **settings.librdkafka(),
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 0,
            "queue.buffering.max.messages": 1_000_000,
            "compression.type": "lz4",
        }
    )
    producer.list_topics(topic, timeout=10)
    began = time.perf_counter()
    for i in range(messages):
        produce(producer, topic, values[i % len(values)], f"default/pumps/pump-{i % 8}", i % PARTITIONS)
    assert producer.flush(60) == 0
    return messages / (time.perf_counter() - began)


@contextmanager
def _transactional(settings: KafkaSettings) -> Iterator[tuple[TransactionalProducer, Consumer]]:
    consumer = Consumer({**settings.librdkafka(), "group.id": f"{settings.topic_prefix}benchmark", "enable.auto.commit": False})
    producer = TransactionalProducer(settings, f"{settings.topic_prefix}benchmark", lambda _: None)
    producer.open(20)
    try:
        yield producer, consumer
    finally:
        consumer.close()


_OFFSETS = itertools.count(1)


def _transactions(
    producer: TransactionalProducer, group: Consumer, topic: str, values: list[bytes], size: int, count: int, times: Times, *, wait: bool
) -> float:
    """Messages a second of ``count`` transactions; without ``wait`` the confirmation is left out of the sum."""
    spent = 0.0
    for _ in range(count):
        began = time.perf_counter()
        producer.begin()  # waits for the confirmation of the commit before
        begun = time.perf_counter()
        for i in range(size):
            producer.produce(topic, f"default/pumps/pump-{i % 8}".encode(), values[i % len(values)], [], i % PARTITIONS)
        produced = time.perf_counter()
        producer.commit([TopicPartition(topic, 0, next(_OFFSETS))], group.consumer_group_metadata())
        committed = time.perf_counter()
        times.commit.append(1000 * (committed - produced))
        times.confirmed.append(1000 * (committed - produced + begun - began))
        spent += committed - (began if wait else begun)
    return size * count / spent
