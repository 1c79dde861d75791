"""A state topic that somebody else has written to: the service halts, says where, and goes on once it is mended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from edgeloop_contracts import Label, SeenRows, topics
from edgeloop_contracts.topics import CHECKPOINT_KEY
from edgeloop_kafka import Received
from edgeloop_streaming import Send, Service, State
from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.state_recovery import UnreadableStateError
from edgeloop_streaming.testing import MemoryBroker, MemoryLoop

STATE = topics.state("ingestion")


class Counting:
    """Remembers how many labels of a device it saw."""

    def __init__(self, state: State) -> None:
        self.state = state

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        key = received.key
        seen = self.state.get(SeenRows, key) or SeenRows(device_id=key)
        self.state.put(key, SeenRows(device_id=key, boot_epoch=seen.boot_epoch + 1))
        return ()

    def flush(self) -> Iterable[Send]:
        return ()


@pytest.fixture
def stage() -> tuple[MemoryBroker, MemoryLoop]:
    broker = MemoryBroker(partitions=1)
    loop = MemoryLoop(Service(name="ingestion", inputs=(topics.LABELS_RAW,), task=lambda _, state: Counting(state)), broker)
    for _ in range(2):
        broker.publisher("me").publish(topics.LABELS_RAW, "d1", Label(tenant="default", stream="", device_id="", label="a"))
    loop.run()
    return broker, loop


def put(broker: MemoryBroker, key: bytes, value: bytes | None) -> int:
    return broker.produce(OutputRecord(STATE.name, key, value, [], 0)).offset()


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (b"SeenRows/d1", b"garbage", "NOT_AVRO"),
        (b"whatever", b"garbage", "NOT_AVRO"),
        (b"\xff\xfe", b"garbage", "its key is no text"),
        (b"SeenRows/d1", b"", "NOT_AVRO"),
        (b"SeenRows/d1", b"\0\0\0\0\x63abc", "UNKNOWN_SCHEMA"),
        (CHECKPOINT_KEY.encode(), "SeenRows", "its key is none of a SeenRows"),
    ],
)
def test_a_record_that_is_no_state_halts_its_service_and_is_named_with_the_way_out(stage: Any, key: bytes, value: Any, why: str) -> None:
    broker, loop = stage
    data = broker.codec.encode(STATE, SeenRows()) if value == "SeenRows" else value
    offset = put(broker, key, data)
    with pytest.raises(UnreadableStateError) as caught:
        loop.restart()
    assert f"ingestion.state/0/{offset}" in str(caught.value)
    assert repr(key) in str(caught.value)
    assert why in str(caught.value)
    assert f"edgeloop mend ingestion.state/0/{offset}" in str(caught.value)


def test_what_was_written_over_does_no_harm(stage: Any) -> None:
    broker, loop = stage
    before = broker.log(STATE.name, 0).since(0)[0][1]
    put(broker, before.key(), b"garbage")
    put(broker, before.key(), before.value())
    put(broker, b"\xff", b"garbage")
    put(broker, b"\xff", None)
    loop.restart()
    assert loop.assigned[0].state.get(SeenRows, "d1").boot_epoch == 2
