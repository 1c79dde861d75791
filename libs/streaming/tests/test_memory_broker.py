"""The driver and the broker in memory, beyond what ``tests/integration/test_conformance_of_*.py`` asks of every broker."""

from __future__ import annotations

import doctest
from collections.abc import Iterable
from typing import Any

import pytest
from edgeloop_contracts import Alert, Label, SeenRows, topics
from edgeloop_kafka import Received, partition_of
from edgeloop_streaming import BackpressureError, Effect, Send, Service, State
from edgeloop_streaming.testing import MemoryBroker, MemoryLoop, TaskDriver, broker
from edgeloop_streaming.transactions import FencedError


class Counting:
    """Passes labels on with their count, unless one says otherwise."""

    def __init__(self, _: int, state: State) -> None:
        self._state = state

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        if received.event.label == "wait":
            raise BackpressureError(lambda: False)
        seen = self._state.get(SeenRows, received.key) or SeenRows(ends=(0,))
        self._state.put(received.key, SeenRows(ends=(seen.ends[0] + 1,)))
        if received.event.label == "crash":
            raise RuntimeError("crash")
        return [Send(topics.LABELS, received.key, Label(tenant="default", stream="", device_id="", seq=seen.ends[0]))]

    def flush(self) -> Iterable[Send]:
        return ()


SERVICE = Service(name="ingestion", inputs=(topics.LABELS_RAW,), task=Counting)


@pytest.fixture
def driver() -> TaskDriver:
    return TaskDriver("ingestion", Counting)


def numbers(sent: list[Any]) -> list[int]:
    return [send.event.seq for send in sent]


def test_the_examples_hold() -> None:
    assert doctest.testmod(broker).failed == 0


def test_a_driver_tells_what_readers_get_and_why(driver: TaskDriver) -> None:
    given = driver.receive(topics.LABELS_RAW, Label(tenant="default", stream="", device_id=""), "k")
    (sent,) = driver.transaction([given])
    assert sent == Send(topics.LABELS, "k", Label(tenant="default", stream="", device_id="", seq=0), given.cause)
    assert [record.event for record in driver.broker.reader().read(topics.LABELS, partition_of("k", 4), 0, 1)] == [
        Label(tenant="default", stream="", device_id="", seq=0)
    ]
    assert driver.stored["SeenRows/k"] == SeenRows(ends=(1,))


def test_a_record_applied_twice_is_handled_twice(driver: TaskDriver) -> None:
    assert numbers(driver.send(topics.LABELS_RAW, Label(tenant="default", stream="", device_id=""), "k")) == [0]
    assert numbers(driver.repeat()) == [1]


def test_an_event_that_its_topic_does_not_carry_cannot_be_received(driver: TaskDriver) -> None:
    with pytest.raises(ValueError, match=r"labels\.raw carries"):
        driver.send(topics.LABELS_RAW, Alert(tenant="default", stream=""))


def test_a_state_that_is_not_declared_for_the_service_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match=r"labels\.state carries"):
        TaskDriver("labels", Counting).send(topics.LABELS_RAW, Label(tenant="default", stream="", device_id=""))


def test_a_crash_leaves_nothing_behind_and_wants_a_restart(driver: TaskDriver) -> None:
    driver.send(topics.LABELS_RAW, Label(tenant="default", stream="", device_id=""), "k")
    records = [
        driver.receive(topics.LABELS_RAW, Label(tenant="default", stream="", device_id="", label=text), "k") for text in ("", "crash")
    ]
    with pytest.raises(RuntimeError):
        driver.transaction(records)
    with pytest.raises(RuntimeError, match="restart"):
        driver.transaction(records[:1])
    driver.restart()
    assert driver.stored["SeenRows/k"] == driver.state.get(SeenRows, "k") == SeenRows(ends=(1,))
    assert numbers(driver.transaction(records[:1])) == [1]


def test_what_came_before_a_record_that_has_to_wait_is_committed(driver: TaskDriver) -> None:
    records = [
        driver.receive(topics.LABELS_RAW, Label(tenant="default", stream="", device_id="", label=text), "k") for text in ("", "wait", "")
    ]
    with pytest.raises(BackpressureError):
        driver.transaction(records)
    assert numbers(driver.sent) == [0]
    assert driver.stored["SeenRows/k"] == SeenRows(ends=(1,))


def test_compaction_keeps_the_newest_record_of_each_key_at_its_offset() -> None:
    broker = MemoryBroker()
    loop = MemoryLoop(SERVICE, broker, batch=1)
    publisher = broker.publisher("me")
    for _ in range(3):
        publisher.publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id=""), partition=0)
    assert loop.run() == 3
    state = topics.state("ingestion")
    before = broker.log(state.name, 0)
    end = before.end
    assert len(before.since(0)) == 6
    loop.restart()
    kept = broker.log(state.name, 0)
    assert [message.offset() for _, message in kept.since(0)] == [6, 7]
    assert kept.end == end == 9
    assert loop.assigned[0].state.get(SeenRows, "k") == SeenRows(ends=(3,))


def test_a_loop_that_is_given_partitions_fences_the_one_that_had_them() -> None:
    broker = MemoryBroker()
    first, second = MemoryLoop(SERVICE, broker), MemoryLoop(SERVICE, broker, partitions=[1])
    for partition in (0, 1):
        broker.publisher("me").publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id=""), partition=partition)
    assert second.run() == 1
    with pytest.raises(FencedError):
        first.run()


def test_a_service_that_feeds_itself_for_ever_does_not_run_for_ever() -> None:
    class Echo(Counting):
        def handle(self, received: Received[Any]) -> Iterable[Effect]:
            return [Send(topics.LABELS_RAW, received.key, received.event)]

    broker = MemoryBroker(partitions=1)
    broker.publisher("me").publish(topics.LABELS_RAW, "k", Label(tenant="default", stream="", device_id=""))
    with pytest.raises(RuntimeError, match="does not come to rest"):
        MemoryLoop(Service(name="ingestion", inputs=(topics.LABELS_RAW,), task=Echo), broker).run(most=50)


def test_the_same_steps_write_the_same_records() -> None:
    def play() -> list[tuple[object, ...]]:
        broker = MemoryBroker()
        for n in range(20):
            broker.publisher("me").publish(topics.LABELS_RAW, f"k{n % 3}", Label(tenant="default", stream="", device_id="", seq=n))
        MemoryLoop(SERVICE, broker, batch=4).run()
        written = [broker.log(topic.name, p).since(0) for topic in (topics.LABELS, topics.state("ingestion")) for p in range(4)]
        return [(n, m.topic(), m.partition(), m.offset(), m.timestamp(), m.key(), m.value()) for log in written for n, m in log]

    assert play() == play()
