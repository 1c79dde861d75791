"""Conformance of both brokers: neighbouring records handled at once, with the same outcome as one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from edgeloop_contracts import Cause, Label, SeenRows, topics
from edgeloop_kafka import Columns, Received
from edgeloop_streaming import Bulk, Effect, InvalidEventError, Send, Service, State
from support.stages import SERVICE, Process, Stage

RAW = topics.LABELS_RAW


class BulkCounter:
    """Passes labels on and counts them in its state, many at once where it can. A negative number needs a look of its own."""

    bulk = Bulk(RAW, Label, ("tenant", "stream", "device_id"))

    def __init__(self, state: State, calls: list[list[int]], fails_at: set[int]) -> None:
        self._state = state
        self._calls = calls
        self._fails_at = fails_at

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        self._calls.append([received.event.seq])
        if received.event.seq < 0:
            raise InvalidEventError("NEGATIVE", f"expected 0 or more, given {received.event.seq}")
        return [self._passed(received.key, received.event, None)]

    def handle_all(self, records: Sequence[Columns[Any]], keys: Sequence[bytes], cause_of: Callable[[int], Cause]) -> Iterable[Send] | None:
        found = sorted((place, group.event(row)) for group in records for row, place in enumerate(group.places.tolist()))
        if any(event.seq < 0 for _, event in found):
            return None
        self._calls.append([event.seq for _, event in found])
        return [self._passed(keys[place].decode(), event, cause_of(place)) for place, event in found]

    def flush(self) -> Iterable[Send]:
        return ()

    def _passed(self, key: str, label: Label, cause: Cause | None) -> Send:
        seen = self._state.get(SeenRows, key) or SeenRows(ends=(0,))
        self._state.put(key, SeenRows(ends=(seen.ends[0] + 1,)))
        if label.seq in self._fails_at:
            raise ValueError(f"no idea what {label.seq} is")
        return Send(
            topics.LABELS, key, Label(tenant="default", stream="", device_id="", seq=label.seq, label=str(seen.ends[0] + 1)), cause=cause
        )


class Bench:
    """The records lie there before the service starts, so that it gets them together."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.calls: list[list[int]] = []
        self.fails_at: set[int] = set()
        self.process: Process | None = None

    def start(self) -> Process:
        if self.process is not None:
            self.process.stop()
        task = lambda _, state: BulkCounter(state, self.calls, self.fails_at)  # noqa: E731
        self.process = self.stage.start(Service(name=SERVICE, inputs=(RAW,), task=task))
        return self.process

    def give(self, *numbers: int) -> None:
        self.stage.publish(RAW, "k", *(Label(tenant="default", stream="", device_id="", seq=number) for number in numbers), partition=0)

    def passed(self) -> list[Received[Any]]:
        return self.stage.records(topics.LABELS)

    def until(self, *numbers: int) -> list[Received[Any]]:
        assert self.process is not None
        self.process.until(lambda: len(self.passed()) >= len(numbers))
        assert [record.event.seq for record in self.passed()] == list(numbers)
        return self.passed()

    def letters(self) -> list[Any]:
        return [record.event for record in self.stage.records(topics.dead_letters(SERVICE))]


@pytest.fixture
def bench(stage: Stage) -> Bench:
    return Bench(stage)


def test_neighbours_are_handled_at_once_in_their_order_each_named_as_cause_of_its_effect(bench: Bench) -> None:
    bench.give(*range(6))
    bench.start()
    passed = bench.until(*range(6))
    assert max(map(len, bench.calls)) > 1
    causes = bench.stage.records(RAW)
    assert [record.headers["ce_causationid"].decode() for record in passed] == [cause.id for cause in causes]
    assert [record.headers["ce_causationat"].decode() for record in passed] == [cause.at for cause in causes]
    assert [record.event.label for record in passed] == ["1", "2", "3", "4", "5", "6"]


def test_a_task_that_declines_gets_them_one_by_one(bench: Bench) -> None:
    bench.give(0, 1, -2, 3)
    bench.start()
    passed = bench.until(0, 1, 3)
    assert [letter.reason for letter in bench.letters()] == ["NEGATIVE"]
    assert bench.calls[:4] == [[0], [1], [-2], [3]]
    assert [record.event.label for record in passed] == ["1", "2", "3"]


def test_bytes_that_are_no_event_among_neighbours_become_a_dead_letter_and_the_others_are_handled(bench: Bench) -> None:
    bench.give(0, 1)
    bench.stage.produce(RAW, b"k", b"no avro", partition=0)
    bench.give(2, 3)
    bench.start()
    bench.until(0, 1, 2, 3)
    assert [(letter.reason, letter.offset) for letter in bench.letters()] == [("NOT_AVRO", 2)]


def test_of_neighbours_at_which_a_task_fails_the_one_to_blame_is_a_dead_letter_and_nothing_of_it_stays(bench: Bench) -> None:
    bench.fails_at = {2}
    bench.give(*range(5))
    bench.start()
    passed = bench.until(0, 1, 3, 4)
    assert [(letter.reason, letter.offset) for letter in bench.letters()] == [("UNHANDLED", 2)]
    assert [record.event.label for record in passed] == ["1", "2", "3", "4"], "the count of the failed attempt is gone"


def test_what_was_handled_at_once_is_not_handled_again_after_a_restart(bench: Bench) -> None:
    bench.give(*range(4))
    bench.start()
    bench.until(*range(4))
    bench.start()
    bench.give(4)
    passed = bench.until(*range(5))
    assert passed[-1].event.label == "5"
