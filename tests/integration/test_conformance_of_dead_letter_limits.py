"""Conformance of both brokers: a partition whose records all fail is halted, and goes on once the cause is fixed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from edgeloop_contracts import Label, ObservationBatch, Topic, topics
from edgeloop_kafka import Received
from edgeloop_streaming import Effect, InvalidEventError, Send, State
from support.scripts import Script
from support.stages import SERVICE, Process, Stage

INSIDE, OUTSIDE = topics.OBSERVATIONS, topics.LABELS_RAW
MOST = 3


class Bench:
    """A service that reads an internal and a public topic, with a limit of three in a row."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.script = Script({"k": self.pass_on})
        self.mended = False
        self.process = self.start(MOST)

    def start(self, most_dead: int) -> Process:
        return self.stage.start(self.script.service((INSIDE, OUTSIDE)), most_dead=most_dead)

    def pass_on(self, received: Received, _: State) -> Iterable[Effect]:
        number = received.event.first_seq if received.topic == INSIDE.name else received.event.seq
        if number < 0 and not self.mended:
            raise InvalidEventError("NEGATIVE", f"expected 0 or more, given {number}")
        return [Send(topics.LABELS, "k", Label(tenant="default", stream="", device_id="", seq=number))]

    def garbage(self, topic: Topic, count: int, partition: int = 0) -> None:
        for _ in range(count):
            assert self.stage.produce(topic, b"k", b"no avro", partition=partition) == ""

    def give(self, *numbers: int, partition: int = 0) -> None:
        self.stage.publish(
            INSIDE,
            "k",
            *(ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=number) for number in numbers),
            partition=partition,
        )

    def handled(self) -> list[int]:
        return sorted(record.event.seq for record in self.stage.records(topics.LABELS))

    def letters(self) -> list[int]:
        return [letter.event.offset for letter in self.stage.records(topics.dead_letters(SERVICE))]

    def halted(self, topic: Topic = INSIDE) -> float | None:
        return self.process.metrics.get_sample_value("edgeloop_halted_dead_letters", {"topic": topic.name, "partition": "0"})

    def until_halted(self) -> None:
        self.process.until(lambda: self.halted() == 1)


@pytest.fixture
def bench(stage: Stage) -> Bench:
    return Bench(stage)


def test_a_partition_full_of_garbage_halts_at_the_limit_and_all_others_go_on(bench: Bench) -> None:
    bench.garbage(INSIDE, 10)
    bench.give(1, 2, partition=1)
    bench.until_halted()
    bench.process.until(lambda: bench.handled() == [1, 2])
    bench.process.until(lambda: bench.letters() == [0, 1, 2])


def test_nothing_is_lost_when_the_limit_is_raised_and_the_service_is_started_again(bench: Bench) -> None:
    bench.garbage(INSIDE, 10)
    bench.give(1)
    bench.until_halted()
    bench.process.stop()
    bench.process = bench.start(0)
    bench.process.until(lambda: bench.handled() == [1])
    assert bench.letters() == list(range(10))
    assert bench.halted() is None


def test_a_halted_partition_goes_on_by_itself_once_its_record_can_be_handled(bench: Bench) -> None:
    bench.give(-1, -2, -3, -4, -5)
    bench.until_halted()
    assert bench.letters() == [0, 1, 2]
    bench.mended = True
    bench.process.until(lambda: bench.handled() == [-5, -4])
    bench.process.until(lambda: bench.halted() is None)
    bench.mended = False
    bench.give(-6, -7, 8)
    bench.process.until(lambda: bench.handled() == [-5, -4, 8])
    assert len(bench.letters()) == 5


def test_good_records_between_keep_single_bad_ones_from_halting_anything(bench: Bench) -> None:
    bench.give(*[-1, -2, 3] * 4)
    bench.process.until(lambda: bench.handled() == [3] * 4)
    assert len(bench.letters()) == 8
    assert bench.halted() is None


def test_no_sender_of_a_topic_from_outside_can_halt_it(bench: Bench) -> None:
    bench.garbage(OUTSIDE, 3 * MOST)
    bench.stage.publish(OUTSIDE, "k", Label(tenant="default", stream="", device_id="", seq=1), partition=0)
    bench.process.until(lambda: bench.handled() == [1])
    assert len(bench.letters()) == 3 * MOST
    assert bench.halted(OUTSIDE) is None
