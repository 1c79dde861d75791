"""Conformance of both brokers: places of records, and their visibility to readers."""

from __future__ import annotations

import time

import pytest
from edgeloop_contracts import Alert, Label, ObservationBatch, StreamDefinition, topics
from edgeloop_kafka import partition_of
from edgeloop_kafka.causation import derived_id
from edgeloop_readers import RangeGoneError
from edgeloop_streaming import Send
from support.conformance import gap_in_memory
from support.scripts import Scene, pass_on
from support.stages import PARTITIONS


def test_the_records_of_a_partition_are_handled_once_each_and_in_their_order(scene: Scene) -> None:
    scene.on(pass_on)
    scene.give(*range(50))
    assert [record.event.seq for record in scene.until(*range(50))] == list(range(50))


def test_a_key_lies_where_javas_partitioner_puts_it_unless_a_partition_is_named(scene: Scene) -> None:
    keys = [f"{scene.key}/{n}" for n in range(8)]
    scene.on(
        lambda _r, _s: [
            Send(topics.LABELS, key, Label(tenant="default", stream="", device_id=""), partition=p) for key in keys for p in (None, 0, 1)
        ]
    )
    scene.give(1)

    def lying() -> list[tuple[str, int]]:
        return [(record.key, record.partition) for record in scene.stage.records(topics.LABELS) if record.key in keys]

    scene.process.until(lambda: len(lying()) == 24)
    assert sorted(lying()) == sorted((key, p) for key in keys for p in (partition_of(key, PARTITIONS), 0, 1))


def test_each_transaction_takes_one_more_offset_at_the_end_of_what_it_wrote(scene: Scene) -> None:
    scene.on(lambda received, _: [Send(topics.LABELS, received.key, received.event)] * 2)
    scene.give(1)
    scene.until(1, 1)
    scene.give(2)
    lying = scene.until(1, 1, 2, 2)
    first = lying[0].offset
    assert [record.offset - first for record in lying] == [0, 1, 3, 4]
    assert scene.stage.reader().end(topics.LABELS, lying[0].partition) - first == 6


def test_a_topic_that_its_broker_stamps_does_not_believe_the_producers_clock_and_others_do(scene: Scene) -> None:
    value = scene.stage.clients.codec.encode(topics.LABELS_RAW, Label(tenant="default", stream="", device_id=""))
    scene.stage.produce(topics.LABELS_RAW, scene.key.encode(), value, time_ms=12)
    value = scene.stage.clients.codec.encode(
        topics.OBSERVATIONS, ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1)
    )
    scene.stage.produce(topics.OBSERVATIONS, scene.key.encode(), value, time_ms=12)
    assert scene.records(topics.LABELS_RAW)[0].timestamp != 12
    assert scene.records(topics.OBSERVATIONS)[0].timestamp == 12


def test_a_record_needs_neither_key_nor_headers_and_is_then_named_after_its_place(shared: Scene) -> None:
    found = []
    shared.script.handle[""] = lambda received, _: found.append(received) or ()
    shared.stage.produce(
        topics.LABELS_RAW,
        None,
        shared.stage.clients.codec.encode(topics.LABELS_RAW, Label(tenant="default", stream="", device_id="", seq=7)),
    )
    shared.process.until(lambda: len(found) == 1)
    (received,) = found
    assert (received.key, received.event.seq) == ("", 7)
    assert received.id == received.correlation == derived_id("received", received.at)


def test_a_compacted_topic_takes_no_record_without_a_key(scene: Scene) -> None:
    value = scene.stage.clients.codec.encode(topics.STREAMS, StreamDefinition(tenant="default", stream=""))
    assert scene.stage.produce(topics.STREAMS, None, value) == "INVALID_RECORD"


def test_a_record_far_too_large_for_its_topic_is_refused_by_the_broker(scene: Scene) -> None:
    assert scene.stage.produce(topics.LABELS_RAW, b"k", b"\0" * (2 * topics.LABELS_RAW.max_bytes + 1)) == "MSG_SIZE_TOO_LARGE"


def test_a_table_shows_the_newest_record_of_each_key_as_of_its_last_refresh(scene: Scene) -> None:
    table = scene.stage.clients.table(topics.STREAMS)
    for version in (1, 2):
        scene.stage.publish(topics.STREAMS, scene.key, StreamDefinition(tenant="default", stream="", version=version))
    assert table.get(scene.key) is None
    table.refresh()
    scene.stage.publish(topics.STREAMS, scene.key, StreamDefinition(tenant="default", stream="", version=3))
    newest = table.get(scene.key)
    assert newest is not None
    assert newest.event.version == 2


def test_a_table_that_is_polled_comes_to_show_what_has_arrived(scene: Scene) -> None:
    table = scene.stage.clients.table(topics.STREAMS)
    table.refresh()
    scene.stage.publish(topics.STREAMS, scene.key, StreamDefinition(tenant="default", stream="", version=7))
    deadline = time.monotonic() + 30
    while (newest := table.get(scene.key)) is None:
        assert time.monotonic() < deadline
        table.poll()
    assert newest.event.version == 7


def test_a_range_is_read_without_its_end_and_without_what_was_deleted_by_key(scene: Scene) -> None:
    scene.on(lambda received, _: [Send(topics.LABELS, received.key, received.event), Send(topics.LABELS, received.key, None)])
    scene.give(1, 2, 3, partition=0)
    lying = scene.until(1, 2, 3)
    reader, partition = scene.stage.reader(), lying[0].partition
    read = reader.read(topics.LABELS, partition, lying[0].offset, lying[2].offset)
    assert [record.event.seq for record in read] == [1, 2]
    assert reader.read(topics.LABELS, partition, lying[0].offset, lying[0].offset) == []


def test_a_range_that_retention_has_deleted_is_gone_and_the_rest_can_be_read(scene: Scene) -> None:
    scene.stage.publish(topics.ALERTS, scene.key, *(Alert(tenant="default", stream="") for _ in range(4)))
    scene.stage.delete_before(topics.ALERTS, 0, 2)
    reader = scene.stage.reader()
    with pytest.raises(RangeGoneError):
        reader.read(topics.ALERTS, 0, 1, 4)
    assert [record.offset for record in reader.read(topics.ALERTS, 0, 2, 4)] == [2, 3]
    assert [record.offset for record in scene.records(topics.ALERTS)] == [2, 3]


@gap_in_memory("nothing in memory is written before its transaction commits, so no aborted record ever takes an offset")
def test_the_records_of_an_aborted_transaction_take_offsets_and_are_never_seen(scene: Scene) -> None:
    scene.stage.publish(
        topics.OBSERVATIONS, scene.key, ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=1)
    )
    (lying,) = scene.records(topics.OBSERVATIONS)
    scene.stage.abort(
        topics.OBSERVATIONS, scene.key, ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=2)
    )
    reader = scene.stage.reader()
    scene.process.until(lambda: reader.end(topics.OBSERVATIONS, lying.partition) == lying.offset + 3)
    scene.stage.publish(
        topics.OBSERVATIONS, scene.key, ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=3)
    )
    first, second = scene.records(topics.OBSERVATIONS)
    assert (first.event.first_seq, second.event.first_seq) == (1, 3)
    assert second.offset - first.offset == 3
