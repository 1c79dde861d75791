"""Conformance of both brokers: retention that overtakes a service, and the skip after it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from edgeloop_contracts import Gap, Label, Skip, topics
from edgeloop_streaming import BackpressureError
from support.scripts import Script, pass_on
from support.stages import SERVICE, Process, Stage

STATE, RAW = topics.state(SERVICE), topics.LABELS_RAW
KEY = f"{SERVICE}/{RAW.name}/0"


class Bench:
    """A service whose partition 0 is overtaken, and its other partition."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.script = Script({"k": pass_on})
        self.number = 0
        self.process = self.start()

    def start(self) -> Process:
        return self.stage.start(self.script.service((RAW,)))

    def give(self, count: int, partition: int = 0) -> None:
        numbers = range(self.number, self.number + count)
        self.number += count
        self.stage.publish(RAW, "k", *(Label(tenant="default", stream="", device_id="", seq=n) for n in numbers), partition=partition)

    def handled(self) -> list[int]:
        return sorted(record.event.seq for record in self.stage.records(topics.LABELS))

    def until(self, count: int) -> None:
        self.process.until(lambda: len(self.handled()) >= count)

    def halted(self) -> float | None:
        return self.process.metrics.get_sample_value("edgeloop_halted_offsets", {"topic": RAW.name, "partition": "0"})

    def overtaken(self, handled: int = 3, lost: int = 4, left: int = 3) -> None:
        """Handle some records, stop, lose some that arrive meanwhile, and start again."""
        self.give(handled)
        self.until(handled)
        self.process.stop()
        self.give(lost + left)
        self.stage.delete_before(RAW, 0, handled + lost)
        self.process = self.start()
        self.process.until(lambda: self.halted() == lost)

    def skip(self, first: int, end: int, **more: Any) -> None:
        told = {"service": SERVICE, "topic": RAW.name, "partition": 0, "first": first, "end": end, "who": "me", "why": "it is gone"}
        self.stage.publish(topics.SKIPS, KEY, Skip(**told | more))

    def gaps(self) -> list[Any]:
        return self.stage.records(topics.GAPS)


@pytest.fixture
def bench(stage: Stage) -> Bench:
    return Bench(stage)


def test_a_partition_whose_next_records_are_gone_is_halted_and_all_others_go_on(bench: Bench) -> None:
    bench.overtaken()
    bench.give(2, partition=1)
    bench.until(5)
    assert bench.handled() == [0, 1, 2, 10, 11]
    assert bench.halted() == 4


def test_a_halted_partition_goes_on_where_a_person_says_so_and_the_gap_is_an_event_of_the_same_transaction(bench: Bench) -> None:
    bench.overtaken()
    bench.skip(3, 7)
    bench.until(6)
    assert bench.handled() == [0, 1, 2, 7, 8, 9]
    assert bench.halted() is None
    (gap,), (asked,) = bench.gaps(), bench.stage.records(topics.SKIPS)
    assert gap.event == Gap(service=SERVICE, topic=RAW.name, partition=0, first=3, end=7, who="me", why="it is gone")
    assert (gap.headers["ce_causationid"].decode(), gap.headers["ce_causationat"].decode()) == (asked.id, asked.at)
    told = [record.event.ranges[0] for record in bench.stage.records(STATE) if record.partition == 0]
    assert [(before.end, after.first, after.end) for before, after in itertools.pairwise(told) if before.end != after.first] == [(3, 7, 7)]
    bench.process.stop()
    bench.process = bench.start()
    bench.give(1)
    bench.until(7)
    assert bench.handled()[-1] == 10
    assert len(bench.gaps()) == 1


def test_a_skip_of_another_place_or_beyond_what_is_gone_moves_nothing(bench: Bench) -> None:
    bench.overtaken()
    for wrong in ({"first": 2}, {"end": 8}, {"end": 3}, {"partition": 1}, {"service": "labels"}):
        bench.skip(**{"first": 3, "end": 7} | wrong)
        bench.give(1, partition=1)
        bench.until(3 + bench.number - 10)
    assert bench.halted() == 4
    assert bench.gaps() == []
    bench.skip(3, 7)
    bench.skip(3, 7)
    bench.until(11)
    assert len(bench.gaps()) == 1


def test_what_is_lost_again_is_skipped_again(bench: Bench) -> None:
    bench.overtaken()
    bench.stage.delete_before(RAW, 0, 9)
    bench.process.until(lambda: bench.halted() == 6)
    bench.skip(3, 7)
    bench.process.until(lambda: bench.halted() == 2)
    bench.skip(7, 9)
    bench.until(4)
    assert bench.handled() == [0, 1, 2, 9]
    assert [(gap.event.first, gap.event.end) for gap in bench.gaps()] == [(3, 7), (7, 9)]


def test_a_service_that_has_handled_nothing_begins_with_what_is_left(stage: Stage) -> None:
    stage.publish(RAW, "k", *(Label(tenant="default", stream="", device_id="", seq=n) for n in range(5)), partition=0)
    stage.delete_before(RAW, 0, 3)
    bench = Bench(stage)
    bench.until(2)
    assert bench.handled() == [3, 4]
    assert bench.halted() is None


def test_a_partition_that_waits_and_is_overtaken_meanwhile_is_halted(bench: Bench) -> None:
    ready: list[int] = []

    def wait(received, state):
        if received.event.seq == 2 and not ready:
            raise BackpressureError(lambda: bool(ready))
        return pass_on(received, state)

    bench.script.handle["k"] = wait
    bench.give(6)
    bench.until(2)
    bench.stage.delete_before(RAW, 0, 4)
    ready.append(1)
    bench.process.until(lambda: bench.halted() == 2 or len(bench.handled()) == 6)
    if bench.halted():  # else the fetched records would still be in memory
        bench.skip(2, 4)
        bench.until(4)
        assert bench.handled() == [0, 1, 4, 5]
