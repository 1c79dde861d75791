"""Records beside a service's inputs that are no events: counted, logged once, and dead-lettered where possible."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_contracts import StreamDefinition, topics
from edgeloop_kafka import UnknownSchemaError
from edgeloop_kafka.received_record import received_from
from edgeloop_readers.skipped_records import SkippedRecords
from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.testing import MemoryBroker
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs


class Bench:
    def __init__(self, service: str) -> None:
        self.broker = MemoryBroker(partitions=1)
        self.counted = CollectorRegistry()
        import structlog

        self.skipped = SkippedRecords(service, structlog.get_logger(), self.counted, lambda: self.broker.publisher(service))

    def write(self, value: bytes, topic: Any = topics.STREAMS) -> None:
        self.broker.produce(OutputRecord(topic.name, b"default/s", value, [("ce_id", b"7")], 0))

    def follower(self) -> Any:
        follower = self.broker.follower([topics.STREAMS])
        follower._skipped = self.skipped
        return follower

    def letters(self) -> list[Any]:
        log = self.broker.log(topics.dead_letters("drift").name, 0)
        return [received_from(message, topics.dead_letters("drift"), self.broker.codec) for _, message in log.since(0)]

    def count(self, reason: str, topic: str = "streams") -> float:
        return self.counted.get_sample_value("edgeloop_side_records_skipped_total", {"topic": topic, "reason": reason}) or 0


def test_a_record_that_comes_while_a_topic_is_followed_is_a_dead_letter_and_the_next_ones_are_read() -> None:
    bench = Bench("drift")
    follower = bench.follower()
    follower.refresh(lambda _: None)
    with capture_logs() as logs:
        bench.write(b"garbage")
        bench.broker.publisher("registry").publish(topics.STREAMS, "default/s", StreamDefinition(tenant="default", stream="s"), partition=0)
        assert [record.event.stream for record in follower.poll()] == ["s"]
    [letter] = bench.letters()
    assert (letter.event.topic, letter.event.offset, letter.event.value, letter.event.reason) == ("streams", 0, b"garbage", "NOT_AVRO")
    assert letter.headers["ce_causationat"] == b"streams/0/0"
    assert bench.count("NOT_AVRO") == 1
    assert [(one["at"], one["reason"]) for one in logs] == [("streams/0/0", "NOT_AVRO")]


def test_what_lay_there_before_is_counted_and_told_and_has_its_letter_from_the_process_before() -> None:
    bench = Bench("drift")
    bench.write(b"garbage")
    bench.follower().refresh(lambda _: None)
    assert bench.count("NOT_AVRO") == 1
    assert not bench.letters()


def test_a_record_that_is_read_again_is_counted_once() -> None:
    bench = Bench("drift")
    bench.write(b"garbage", topics.EXAMPLES)
    reader = bench.broker.reader()
    reader._skipped = bench.skipped
    for _ in range(3):
        assert reader.read(topics.EXAMPLES, 0, 0, 1) == []
    assert bench.count("NOT_AVRO", "examples") == 1
    assert len(bench.letters()) == 1


@pytest.mark.parametrize("service", ["mirror", "cli", "inference"])
def test_a_process_without_dead_letters_counts_and_tells(service: str) -> None:
    bench = Bench(service)
    follower = bench.follower()
    follower.refresh(lambda _: None)
    bench.write(b"garbage")
    assert follower.poll() == []
    assert bench.count("NOT_AVRO") == 1
    assert not bench.letters()


def test_a_broker_or_registry_that_does_not_answer_keeps_nobody_from_reading() -> None:
    bench = Bench("drift")

    def away() -> Any:
        raise UnknownSchemaError("away")

    bench.skipped._publisher = away
    follower = bench.follower()
    follower.refresh(lambda _: None)
    bench.write(b"garbage")
    assert follower.poll() == []
    assert bench.count("NOT_AVRO") == 1
