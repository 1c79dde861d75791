"""Conformance of both brokers: restarts, crashes, and processes of the same name."""

from __future__ import annotations

import itertools

import pytest
from confluent_kafka import KafkaException
from edgeloop_contracts import Checkpoint, Label, SeenRows, topics
from edgeloop_streaming import Send
from edgeloop_streaming.transactions import FencedError
from support.conformance import gap_in_memory
from support.scripts import Script, count, pass_on
from support.stages import PARTITIONS, SERVICE, Stage

STATE = topics.state(SERVICE)


def test_a_restarted_service_goes_on_with_its_state_where_its_last_transaction_ended(stage: Stage) -> None:
    def toggle(received, state):
        if received.event.seq == 5:
            state.delete(SeenRows, "gone")
        elif received.event.seq == 0:
            state.put("gone", SeenRows())
        found.append((received.event.seq, state.now, state.get(SeenRows, "gone") is not None))
        return count(received, state)

    found: list[tuple[int, int, bool]] = []
    script = Script({"k": toggle})
    process = stage.start(script.service())
    stage.publish(topics.LABELS_RAW, "k", *(Label(tenant="default", stream="", device_id="", seq=n) for n in range(6)))
    process.until(lambda: len(stage.records(topics.LABELS)) == 6)
    process.stop()
    newest = stage.records(topics.LABELS_RAW)[-1].timestamp
    stage.publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id="", seq=6))
    process = stage.start(script.service())
    process.until(lambda: len(stage.records(topics.LABELS)) == 7)
    assert stage.records(topics.LABELS)[-1].event.label == "7"
    assert found[-1] == (6, newest, False)
    told = [record.event for record in stage.records(STATE) if isinstance(record.event, Checkpoint)]
    assert [checkpoint.transaction for checkpoint in told] == list(range(1, len(told) + 1))
    ranges = [(r.first, r.end) for checkpoint in told for r in checkpoint.ranges]
    assert (ranges[0][0], ranges[-1]) == (0, (6, 7))
    assert all(end == first for (_, end), (first, _) in itertools.pairwise(ranges)), "the ranges are without gap"


def test_a_crash_commits_nothing_and_all_records_come_again(stage: Stage) -> None:
    def handle(received, state):
        effects = list(count(received, state))
        if received.event.seq == 2 and crash == "in handle":
            raise RuntimeError
        if received.event.seq == 2 and crash == "an event that its topic does not carry":
            effects.append(Send(topics.LABELS, "k", SeenRows()))
        if received.event.seq == 2 and crash == "a state that is not declared":
            state.put("k", Label(tenant="default", stream="", device_id=""))
        return effects

    def flush(_):
        if crash == "in flush":
            raise ZeroDivisionError
        return ()

    script = Script({"k": handle}, {"k": flush})
    stage.publish(topics.LABELS_RAW, "k", *(Label(tenant="default", stream="", device_id="", seq=n) for n in range(4)))
    for crash, error in {
        "in handle": RuntimeError,
        "in flush": ZeroDivisionError,
        "an event that its topic does not carry": ValueError,
        "a state that is not declared": ValueError,
    }.items():
        assert isinstance(stage.start(script.service()).end(), error), crash
        assert stage.records(topics.LABELS) == stage.records(STATE) == [], crash
    crash = ""
    stage.start(script.service()).until(lambda: len(stage.records(topics.LABELS)) == 4)
    assert [(record.event.seq, record.event.label) for record in stage.records(topics.LABELS)] == [(n, str(n + 1)) for n in range(4)]


def test_a_second_process_of_the_same_name_fences_the_first(stage: Stage) -> None:
    script = Script({"k": pass_on})
    first = stage.start(script.service())
    stage.publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id="", seq=1))
    first.until(lambda: len(stage.records(topics.LABELS)) == 1)
    second = stage.start(script.service())
    stage.publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id="", seq=2))
    assert isinstance(first.end(), FencedError)
    second.until(lambda: len(stage.records(topics.LABELS)) == 2)
    assert [record.event.seq for record in stage.records(topics.LABELS)] == [1, 2]


def test_a_service_whose_input_does_not_exist_ends(stage: Stage) -> None:
    nowhere = topics.Topic(name="nowhere", kinds=(Label,), producer="", key=topics.Key.DEVICE)
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC_OR_PART"):
        raise stage.start(Script().service((nowhere,))).end()


@gap_in_memory("no group shares partitions out: they are whose loop took them last", "stage")
def test_two_processes_share_the_partitions(stage: Stage) -> None:
    script = Script({"k": pass_on})
    found = [stage.start(script.service((topics.LABELS_RAW,)), instance) for instance in ("0", "1")]
    numbers = itertools.count()

    def both_have_handled() -> bool:
        for partition in range(PARTITIONS):
            stage.publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id="", seq=next(numbers)), partition=partition)
        counts = [process.metrics.get_sample_value("edgeloop_records_handled_total", {"topic": "labels.raw"}) for process in found]
        return None not in counts

    found[0].until(both_have_handled)
    given = next(numbers)
    found[0].until(lambda: len(stage.records(topics.LABELS)) >= given)
    assert sorted(record.event.seq for record in stage.records(topics.LABELS)) == list(range(given))


def test_a_record_at_which_a_task_fails_is_a_dead_letter_and_nothing_of_it_stays(stage: Stage) -> None:
    def handle(received, state):
        effects = list(count(received, state))
        if received.event.seq == 2:
            raise ZeroDivisionError("no sense")
        if received.event.seq == 3:
            return [*effects, Send(topics.LABELS, "k", Label(tenant="default", stream="", device_id="", seq=2**63))]
        return effects

    script = Script({"k": handle})
    stage.publish(topics.LABELS_RAW, "k", *(Label(tenant="default", stream="", device_id="", seq=n) for n in range(6)))
    stage.start(script.service()).until(lambda: len(stage.records(topics.LABELS)) == 4)
    assert [(record.event.seq, record.event.label) for record in stage.records(topics.LABELS)] == [(0, "1"), (1, "2"), (4, "3"), (5, "4")]
    letters = [record.event for record in stage.records(topics.dead_letters(SERVICE))]
    assert [(letter.offset, letter.reason) for letter in letters] == [(2, "UNHANDLED"), (3, "UNHANDLED")]
    assert "ZeroDivisionError('no sense') at test_conformance_of_processes.py" in letters[0].message
