"""A broker in memory with its loops, which take turns."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaException
from edgeloop_contracts import Event, Topic
from edgeloop_streaming import Service
from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.dead_letter_limits import Limit, Limits
from edgeloop_streaming.testing import MemoryBroker, MemoryLoop
from support.stages import PARTITIONS, Headers, Stage


class MemoryProcess:
    """The loop in memory; all loops of a stage take turns."""

    def __init__(self, loop: MemoryLoop, all_of_them: list[MemoryLoop]) -> None:
        self.metrics = loop.metrics
        self._loop = loop
        self._all = all_of_them
        self._all.append(loop)

    def until(self, condition: Callable[[], bool]) -> None:
        while sum(loop.run() for loop in self._all):
            pass
        assert condition(), "it never comes"

    def end(self) -> Exception:
        self._all.remove(self._loop)
        try:
            self._loop.run()
        except Exception as error:
            return error
        raise AssertionError("it goes on")

    def stop(self) -> None:
        if self._loop in self._all:
            self._all.remove(self._loop)


class MemoryStage(Stage):
    """A broker in memory."""

    def __init__(self) -> None:
        self._broker = MemoryBroker(PARTITIONS)
        self._loops: list[MemoryLoop] = []
        super().__init__(self._broker, self._broker.publisher("test"), self._broker.schemas, "")

    def produce(
        self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers = (), partition: int | None = None, time_ms: int = 0
    ) -> str:
        try:
            self._broker.produce(OutputRecord(topic.name, key, value, list(headers), partition), time_ms or None)
        except KafkaException as error:
            return error.args[0].name()
        return ""

    def start(self, service: Service, instance: str = "0", most_dead: int = 0) -> MemoryProcess:
        limits = Limits(inside=Limit(run=most_dead))
        return MemoryProcess(MemoryLoop(service, self._broker, limits=limits), self._loops)

    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        self._broker.delete_before(topic, partition, offset)

    def abort(self, topic: Topic, key: str, event: Event) -> None:
        raise NotImplementedError
