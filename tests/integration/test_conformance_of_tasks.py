"""Conformance of both brokers: the records that a task receives, and the effects that it returns."""

from __future__ import annotations

import json
import time

from edgeloop_contracts import Label, ObservationBatch, Redrive, topics
from edgeloop_kafka import Received
from edgeloop_kafka.dead_letters import RedrivenMessage, letter_of
from edgeloop_streaming import BackpressureError, Forward, InvalidEventError, Reject, Send
from support.conformance import gap_in_memory
from support.scripts import Scene, count, pass_on
from support.stages import SERVICE


def test_what_a_record_causes_names_it_and_where_it_lies_and_keeps_its_trace(scene: Scene) -> None:
    scene.on(pass_on)
    scene.give(1)
    (effect,) = scene.until(1)
    (cause,) = scene.records(topics.LABELS_RAW)
    assert (effect.headers["ce_causationid"].decode(), effect.headers["ce_causationat"].decode()) == (cause.id, cause.at)
    assert effect.correlation == cause.correlation == cause.id
    assert effect.headers["traceparent"][3:35] == cause.headers["traceparent"][3:35]
    assert (effect.headers["ce_source"], effect.headers["ce_type"]) == (b"/edgeloop/ingestion", b"edgeloop.label.Label")


def test_what_flush_sends_is_caused_by_the_last_record_of_the_transaction_and_lies_behind_its_effects(scene: Scene) -> None:
    scene.on(pass_on, lambda _: [Send(topics.LABELS, scene.key, Label(tenant="default", stream="", device_id="", seq=100))])
    scene.give(1)
    effect, flushed = scene.until(1, 100)
    assert flushed.offset == effect.offset + 1, "no transaction ended between them"
    assert flushed.headers["ce_causationid"] == effect.headers["ce_causationid"]


def test_a_forwarded_record_keeps_its_bytes_and_headers(scene: Scene) -> None:
    scene.on(lambda received, _: [Forward(topics.LABELS, f"{received.key}/new", 1)])
    value = scene.stage.clients.codec.encode(topics.LABELS_RAW, Label(tenant="default", stream="", device_id="", seq=5))
    scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), value, [("ce_id", b"me"), ("own", b"\xff")])

    def found() -> list[Received]:
        return [record for record in scene.stage.records(topics.LABELS) if record.key == f"{scene.key}/new"]

    scene.process.until(lambda: len(found()) == 1)
    (forwarded,) = found()
    assert (forwarded.raw, forwarded.partition, dict(forwarded.headers)) == (value, 1, {"ce_id": b"me", "own": b"\xff"})


def test_what_a_service_writes_to_its_own_input_comes_back_to_it(scene: Scene) -> None:
    def twice(received, _):
        if received.topic == topics.LABELS_RAW.name:
            return [
                Send(
                    topics.OBSERVATIONS,
                    received.key,
                    ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=received.event.seq),
                )
            ]
        return [Send(topics.LABELS, received.key, Label(tenant="default", stream="", device_id="", seq=received.event.first_seq))]

    scene.on(twice)
    scene.give(1, 2, 3)
    scene.until(1, 2, 3)


def test_bytes_that_are_no_event_become_a_dead_letter_with_all_that_came_and_the_stream_goes_on(scene: Scene) -> None:
    scene.on(pass_on)
    for value in (b"no avro", b"\0\0\0\xff\xffxyz", None):
        assert scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), value, [("own", b"kept")]) == ""
    scene.give(1)
    (passed,) = scene.until(1)
    letters = scene.letters()
    assert [letter.event.reason for letter in letters] == ["NOT_AVRO", "UNKNOWN_SCHEMA", "NOT_AVRO"]
    assert [letter.event.value for letter in letters] == [b"no avro", b"\0\0\0\xff\xffxyz", None]
    last, cause = letters[-1].event, passed.headers["ce_causationat"].decode()
    assert (last.key.decode(), last.headers["own"], last.service) == (scene.key, b"kept", SERVICE)
    assert f"{last.topic}/{last.partition}/{last.offset + 1}" == cause, "the letter names the place before the good record's"


def test_an_invalid_event_becomes_a_dead_letter_and_has_no_effect(scene: Scene) -> None:
    def refuse(received, state):
        yield from pass_on(received, state)
        if received.event.seq == 1:
            raise InvalidEventError("TOO_ODD", "expected an even number, given 1")

    scene.on(refuse)
    scene.give(0, 1, 2)
    scene.until(0, 2)
    (letter,) = scene.letters()
    (given,) = [record for record in scene.records(topics.LABELS_RAW) if record.event.seq == 1]
    assert (letter.event.reason, letter.event.message) == ("TOO_ODD", "expected an even number, given 1")
    assert (letter.event.value, letter.event.offset, letter.event.timestamp) == (given.raw, given.offset, given.timestamp)


def test_a_record_may_be_taken_in_part_and_dead_lettered_as_well(scene: Scene) -> None:
    scene.on(lambda received, state: [*pass_on(received, state), Reject("HALF", "the other half")])
    scene.give(1)
    scene.until(1)
    assert [letter.event.reason for letter in scene.letters()] == ["HALF"]


def test_a_kind_that_a_newer_program_added_is_skipped_and_counted(scene: Scene) -> None:
    scene.on(pass_on)
    schema = json.dumps({"type": "record", "name": "Newer", "namespace": "edgeloop.drift", "fields": []})
    number = scene.stage.schemas.register(f"{scene.stage.prefix}{topics.DRIFT_SIGNALS.name}-edgeloop.drift.Newer", schema)
    scene.stage.produce(topics.DRIFT_SIGNALS, scene.key.encode(), b"\0" + number.to_bytes(4, "big"))
    skipped = {"topic": topics.DRIFT_SIGNALS.name}
    scene.process.until(lambda: scene.process.metrics.get_sample_value("edgeloop_records_skipped_total", skipped) == 1)
    assert scene.records() == scene.letters() == []


def test_backpressure_holds_its_partition_of_its_topic_and_nothing_else(scene: Scene) -> None:
    ready, tries = [], []

    def wait(received, state):
        if received.topic == topics.LABELS_RAW.name and received.event.seq == 1:
            tries.append(received.offset)
            if not ready:
                raise BackpressureError(lambda: bool(ready))
        elif received.topic == topics.OBSERVATIONS.name:
            return [Send(topics.LABELS, received.key, Label(tenant="default", stream="", device_id="", seq=received.event.first_seq))]
        return pass_on(received, state)

    scene.on(wait)
    scene.give(1, 2, 3, partition=0)
    scene.give(11, 12, partition=1)
    scene.stage.publish(
        topics.OBSERVATIONS, scene.key, ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=21), partition=0
    )
    scene.until(11, 12, 21)
    ready.append(True)
    scene.until(11, 12, 21, 1, 2, 3)
    assert [n for n in scene.numbers() if n < 10] == [1, 2, 3]
    assert len(tries) == 2
    assert len(set(tries)) == 1


def test_a_record_waits_while_the_registry_does_not_answer(scene: Scene) -> None:
    scene.on(pass_on)
    newer = json.loads(Label.SCHEMA)
    newer["fields"].append({"name": "colour", "type": "string", "default": ""})
    number = scene.stage.schemas.register(scene.stage.prefix + topics.LABELS_RAW.subject(Label), json.dumps(newer))
    value = scene.stage.clients.codec.encode(topics.LABELS_RAW, Label(tenant="default", stream="", device_id="", seq=4))
    scene.stage.schemas.off = True
    scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), b"\0" + number.to_bytes(4, "big") + value[5:] + b"\x06red")
    scene.process.until(lambda: scene.stage.schemas.refused > 0)
    assert scene.records() == []
    scene.stage.schemas.off = False
    scene.until(4)
    assert scene.letters() == []


@gap_in_memory("its loop has no clock: what waits is one transaction, however long it takes")
def test_long_work_is_split_into_transactions_of_half_a_second(scene: Scene) -> None:
    def work(received, state):
        time.sleep(0.51 if received.event.seq == 1 else 0)
        return pass_on(received, state)

    scene.on(work)
    scene.give(1, 2)
    first, second = scene.until(1, 2)
    assert second.offset - first.offset == 2


def test_the_time_of_a_state_is_that_of_the_newest_record_in_committed_transactions(scene: Scene) -> None:
    found = []
    scene.on(lambda received, state: found.append((state.now, received.timestamp)) or pass_on(received, state))
    scene.give(1)
    scene.until(1)
    scene.give(2)
    scene.until(1, 2)
    (before, first), (now, second) = found
    assert before < first <= second
    assert now == first


def test_partitions_have_a_state_of_their_own(scene: Scene) -> None:
    scene.on(count)
    scene.give(1, 2, partition=0)
    scene.give(11, 12, partition=1)
    assert {record.event.seq: record.event.label for record in scene.until(1, 2, 11, 12)} == {1: "1", 2: "2", 11: "1", 12: "2"}


def given_back(scene: Scene, letter: Received, **changed) -> Redrive:
    """Write the ``Redrive`` of a letter into the letter's partition, as ``edgeloop redrive`` does."""
    names = ("service", "topic", "partition", "offset", "timestamp", "key", "value", "headers", "reason")
    redrive = Redrive(letter=letter.at, **{name: getattr(letter.event, name) for name in names} | changed)
    scene.stage.publish(topics.redrive(SERVICE), letter.at, redrive, partition=letter.partition)
    return redrive


def test_a_redriven_record_is_handled_as_if_it_came_from_where_it_lay(scene: Scene) -> None:
    fixed: list[Received] = []

    def refuse(received, state):
        if received.event.seq == 1 and not fixed:
            raise InvalidEventError("TOO_ODD", "expected an even number, given 1")
        fixed.append(received)
        return pass_on(received, state)

    scene.on(refuse)
    scene.give(1)
    scene.process.until(lambda: len(scene.letters()) == 1)
    scene.give(2)
    scene.until(2)
    (letter,), (odd, _) = scene.letters(), scene.records(topics.LABELS_RAW)
    given_back(scene, letter)
    _, effect = scene.until(2, 1)
    again = fixed[-1]
    assert (again.at, again.timestamp, again.id, again.raw) == (odd.at, odd.timestamp, odd.id, odd.raw)
    assert (effect.headers["ce_causationid"].decode(), effect.headers["ce_causationat"].decode()) == (odd.id, odd.at)
    assert len(scene.letters()) == 1


def test_a_redriven_record_that_is_refused_again_becomes_a_letter_that_names_the_one_before(scene: Scene) -> None:
    scene.on(pass_on)
    scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), b"no avro", [("own", b"kept")])
    scene.process.until(lambda: len(scene.letters()) == 1)
    (first,) = scene.letters()
    given_back(scene, first)
    scene.process.until(lambda: len(scene.letters()) == 2)
    second = scene.letters()[1].event
    assert (second.redriven, second.value, second.headers["own"]) == (first.at, b"no avro", b"kept")
    assert (second.topic, second.partition, second.offset) == (first.event.topic, first.event.partition, first.event.offset)


def test_what_is_redriven_to_the_wrong_service_and_what_is_no_redrive_are_dead_letters_too(scene: Scene) -> None:
    scene.on(pass_on)
    scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), b"no avro")
    scene.process.until(lambda: len(scene.letters()) == 1)
    (first,) = scene.letters()
    given_back(scene, first, topic="somewhere")
    scene.stage.produce(topics.redrive(SERVICE), scene.key.encode(), b"no redrive", partition=first.partition)
    scene.process.until(lambda: len(scene.letters()) == 3)
    assert [letter.event.reason for letter in scene.letters()] == ["NOT_AVRO", "NO_INPUT", "NOT_AVRO"]
    assert [letter.event.topic for letter in scene.letters()[1:]] == [topics.redrive(SERVICE).name] * 2
    scene.give(4)
    scene.until(4)


def test_a_redrive_of_a_place_where_nothing_can_have_lain_is_a_dead_letter_and_none_moves_time(scene: Scene) -> None:
    times: list[int] = []

    def noting(received, state):
        times.append(received.timestamp)
        return pass_on(received, state)

    scene.on(noting)
    scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), b"no avro")
    scene.process.until(lambda: len(scene.letters()) == 1)
    (first,) = scene.letters()
    value = scene.stage.clients.codec.encode(topics.LABELS_RAW, Label(tenant="default", stream="", device_id="", seq=7))
    for place in ({"offset": 1 << 60}, {"offset": -1}, {"partition": first.partition + 1}, {"offset": first.event.offset + 1}):
        given_back(scene, first, value=value, **place)
    scene.process.until(lambda: len(scene.letters()) == 5)
    assert [letter.event.reason for letter in scene.letters()[1:]] == ["NO_PLACE"] * 4
    given_back(scene, first, value=value, timestamp=4_102_444_800_000)
    scene.until(7)
    assert times[0] < 4_102_444_800_000


def test_a_record_far_larger_than_a_letter_takes_becomes_a_letter_all_the_same(scene: Scene) -> None:
    scene.on(pass_on)
    letter = letter_of(
        SERVICE,
        topics.LABELS_RAW,
        RedrivenMessage(Redrive(key=b"\xff" * (1 << 20), value=bytes(7 << 20)), ""),
        "TOO_LARGE",
        "x" * (1 << 20),
    )
    assert (letter.cut, letter.value_size) == (True, 7 << 20)
    assert len(scene.stage.clients.codec.encode(topics.dead_letters(SERVICE), letter)) < topics.dead_letters(SERVICE).max_bytes // 8
    whole = letter_of(
        SERVICE, topics.LABELS_RAW, RedrivenMessage(Redrive(key=b"k", value=bytes(2 * topics.LABELS_RAW.max_bytes)), ""), "TOO_LARGE", ""
    )
    assert not whole.cut, "whatever a broker takes uncompressed stays whole"
    assert scene.stage.produce(topics.LABELS_RAW, b"\xff" * 500_000, bytes(1_200_000), [("ce_id", b"i" * 100_000)]) == ""
    large = {"topic": topics.LABELS_RAW.name, "reason": "TOO_LARGE"}
    scene.process.until(lambda: scene.process.metrics.get_sample_value("edgeloop_records_dead_total", large) == 1)
    scene.give(1)
    scene.until(1)
