"""At-least-once reading for a group: order of commits, waiting records, skipped records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from edgeloop_contracts import RunStatus, Skip, TrainingRun, topics
from edgeloop_streaming import BackpressureError, Context, Subscription

pytestmark = pytest.mark.integration


class Died(Exception):
    pass


class Bench:
    """A topic with runs, and processes that read it one after another."""

    def __init__(self, cluster: Any) -> None:
        self.context = Context(cluster.settings(), "test")
        self.publisher = self.context.publisher()
        self.seen: list[int] = []
        self.passed: list[str] = []

    def put(self, *stages: int, partition: int = 0) -> None:
        for stage in stages:
            run = TrainingRun(tenant="default", stream="s", stage=stage, status=RunStatus.FITTED)
            self.publisher.publish(topics.TRAINING_RUNS, "default/s", run, partition=partition)
        assert self.publisher.flush() == 0

    def read(self, until: Callable[[], bool], handle: Callable[[Any], None] | None = None) -> Subscription:
        """One process, from its start to its end."""
        end = time.monotonic() + 60

        def take(received: Any) -> None:
            if handle is not None:
                handle(received)
            self.seen.append(received.event.stage)

        def passed(_: Any, __: Any, error: Any, **___: Any) -> None:
            self.passed.append(error.reason)

        context = self.context
        subscription = Subscription(context.settings, context.codec, context.log, "mirror", [topics.TRAINING_RUNS], passed)
        subscription.run(take, lambda: until() or time.monotonic() > end)
        return subscription


@pytest.fixture
def bench(cluster: Any) -> Bench:
    return Bench(cluster)


def test_a_record_is_committed_once_it_was_handled_and_comes_again_if_it_was_not(bench: Bench) -> None:
    bench.put(1, 2, 3)

    def dies_at_two(received: Any) -> None:
        if received.event.stage == 2:
            raise Died

    with pytest.raises(Died):
        bench.read(lambda: False, dies_at_two)
    assert bench.seen == [1]
    bench.read(lambda: len(bench.seen) == 3)
    assert bench.seen == [1, 2, 3]
    bench.put(4)
    bench.read(lambda: len(bench.seen) == 4)
    assert bench.seen == [1, 2, 3, 4]


def test_a_record_that_cannot_be_handled_yet_keeps_its_partition_waiting_and_no_other(bench: Bench) -> None:
    bench.put(1, 2)
    bench.put(11, 12, partition=1)
    refusals: list[int] = []

    def waits(received: Any) -> None:
        # Handled after all of the other partition, and refused twice before.
        if received.event.stage == 1 and (len(refusals) < 2 or 12 not in bench.seen):
            refusals.append(1)
            asked = time.monotonic()
            raise BackpressureError(lambda: time.monotonic() > asked + 0.2)

    bench.read(lambda: len(bench.seen) == 4, waits)
    assert sorted(bench.seen) == [1, 2, 11, 12]
    assert bench.seen.index(1) < bench.seen.index(2)
    assert bench.seen.index(12) < bench.seen.index(1)
    assert len(refusals) >= 2


def test_bytes_that_are_no_event_are_passed_and_counted(bench: Bench) -> None:
    producer = Producer({"bootstrap.servers": bench.context.settings.bootstrap})
    producer.produce(bench.context.settings.topic_prefix + topics.TRAINING_RUNS.name, b"\x80no avro", partition=0)
    producer.flush()
    bench.put(5)
    bench.read(lambda: bench.seen == [5])
    assert bench.passed == ["NOT_AVRO"]


def test_a_partition_that_retention_has_overtaken_waits_for_a_word_and_no_other_does(bench: Bench) -> None:
    bench.put(1, 2)
    bench.read(lambda: len(bench.seen) == 2)
    bench.put(3, 4, 5)
    bench.put(11, partition=1)
    name = bench.context.settings.topic_prefix + topics.TRAINING_RUNS.name
    admin = AdminClient({"bootstrap.servers": bench.context.settings.bootstrap})  # kept: the futures of a collected client never resolve
    for answer in admin.delete_records([TopicPartition(name, 0, 4)]).values():
        answer.result(60)
    asked = time.monotonic()
    bench.read(lambda: 11 in bench.seen and time.monotonic() > asked + 5)
    assert bench.seen == [1, 2, 11]
    skip = Skip(service="mirror", topic=topics.TRAINING_RUNS.name, partition=0, first=2, end=4, who="me", why="gone")
    bench.publisher.publish(topics.SKIPS, f"mirror/{topics.TRAINING_RUNS.name}/0", skip)
    bench.publisher.flush()
    bench.read(lambda: 5 in bench.seen)
    assert bench.seen == [1, 2, 11, 5]
    table = bench.context.table(topics.GAPS)
    table.refresh()
    ((_, gap),) = table.items()
    assert (gap.event.first, gap.event.end, gap.event.who) == (2, 4, "me")
    bench.put(6)
    bench.read(lambda: 6 in bench.seen)
    assert bench.seen == [1, 2, 11, 5, 6]
