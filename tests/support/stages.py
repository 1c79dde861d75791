"""Two brokers behind one face, for the conformance suite: a real one, and the one in memory."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from edgeloop_contracts import Event, Topic, topics
from edgeloop_contracts.topics import Partitions
from edgeloop_streaming import Codec, Context, Follower, RangeReader, Received, RegistryUnavailable, Service, Table
from edgeloop_streaming.admin import Admin, TopicWanted, topic_config
from edgeloop_streaming.loop import Loop
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.testing import MemoryBroker, MemoryLoop
from edgeloop_streaming.work import Record
from prometheus_client import CollectorRegistry
from support.broker import Cluster

SERVICE = "ingestion"  # names what exists of a service: its state, which holds SeenRows, and its dead letters
PARTITIONS = 2
PATIENCE_S = 20.0
TOPICS = (
    topics.LABELS_RAW,
    topics.OBSERVATIONS,
    topics.LABELS,
    topics.DRIFT_SIGNALS,
    topics.STREAMS,
    topics.ALERTS,
    topics.state(SERVICE),
    topics.dead_letters(SERVICE),
)
Headers = Sequence[tuple[str, bytes]]


class Process(Protocol):
    """One life of a service on a stage."""

    metrics: CollectorRegistry

    def until(self, condition: Callable[[], bool]) -> None:
        """Let every process work until something is true."""
        ...

    def end(self) -> Exception:
        """Let it work until it ends by itself; give back by what."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


class Clients(Protocol):
    """What both brokers give alike."""

    codec: Codec

    def reader(self) -> RangeReader: ...
    def follower(self, topics: Iterable[Topic]) -> Follower: ...
    def table(self, topic: Topic) -> Table: ...


class Switch:
    """A schema registry that can be told not to answer."""

    def __init__(self, schemas: Any) -> None:
        self._schemas = schemas
        self.off = False
        self.refused = 0

    def register(self, subject: str, schema: str) -> int:
        return self._schemas.register(subject, schema)

    def lookup(self, subject: str, schema: str) -> int:
        self._ask()
        return self._schemas.lookup(subject, schema)

    def schema(self, schema_id: int) -> str:
        self._ask()
        return self._schemas.schema(schema_id)

    def _ask(self) -> None:
        if self.off:
            self.refused += 1
            raise RegistryUnavailable("switched off")


class Stage(ABC):
    """A broker with a few topics of two partitions, and all that the suite does with it."""

    def __init__(self, clients: Clients, publisher: Any, schemas: Any, prefix: str) -> None:
        self.schemas = Switch(schemas)
        self.clients = clients
        clients.codec = Codec(self.schemas, prefix)
        self.prefix = prefix
        self._publisher = publisher
        self._closing: list[Callable[[], None]] = []
        self._seen: dict[str, tuple[Follower, list[Received[Any]]]] = {}

    def publish(self, topic: Topic, key: str, *events: Event, partition: int | None = None) -> None:
        """Write events, and wait until they lie there."""
        for event in events:
            self._publisher.publish(topic, key, event, partition=partition)
        assert self._publisher.flush(30) == 0
        assert self._publisher.failures() == []

    def records(self, topic: Topic) -> list[Received[Any]]:
        """All that is committed, apart from tombstones; in order within a partition."""
        if topic.name not in self._seen:
            follower = self.clients.follower([topic])
            self._closing.append(follower.close)
            self._seen[topic.name] = follower, []
        follower, seen = self._seen[topic.name]
        follower.refresh(seen.append)
        return list(seen)

    def reader(self) -> RangeReader:
        reader = self.clients.reader()
        self._closing.append(reader.close)
        return reader

    def close(self) -> None:
        for close in reversed(self._closing):
            close()

    @abstractmethod
    def produce(
        self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers = (), partition: int | None = None, time_ms: int = 0
    ) -> str:
        """Write bytes; give back the broker's error, or ``""``."""

    @abstractmethod
    def start(self, service: Service, instance: str = "0") -> Process:
        """Begin a process."""

    @abstractmethod
    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        """Delete the oldest records, as retention does."""

    @abstractmethod
    def abort(self, topic: Topic, key: str, event: Event) -> None:
        """Write an event in a transaction, and abort it."""


class RealProcess:
    """The loop in a thread."""

    def __init__(self, loop: Loop, metrics: CollectorRegistry) -> None:
        self.metrics = metrics
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(loop,))
        self._thread.start()

    def _run(self, loop: Loop) -> None:
        try:
            loop.run(self._stopping.is_set)
        except Exception as error:
            self._error = error

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self._error is not None:
                raise self._error
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.005)

    def end(self) -> Exception:
        self._thread.join(PATIENCE_S)
        assert self._error is not None, "it goes on"
        return self._error

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


class RealStage(Stage):
    """Topics of their own prefix on the session's cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._settings = cluster.settings(topics=False)
        self._context = Context(self._settings, "test")
        prefix = self._settings.topic_prefix
        wanted = [TopicWanted(t, PARTITIONS if t.partitions is Partitions.MANY else 1, 1, topic_config(t, 1)) for t in TOPICS]
        Admin(self._settings).create(wanted)
        for topic in TOPICS:
            for kind in topic.kinds:
                self._context.schemas.register(prefix + topic.subject(kind), kind.SCHEMA)
        super().__init__(self._context, self._context.publisher(), self._context.schemas, prefix)

    def produce(
        self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers = (), partition: int | None = None, time_ms: int = 0
    ) -> str:
        told: list[str] = []
        producer = Producer({**self._settings.librdkafka(), "message.max.bytes": 8 << 20, "partitioner": "murmur2_random"})
        place = {} if partition is None else {"partition": partition}
        producer.produce(
            self.prefix + topic.name,
            value,
            key,
            headers=list(headers),
            timestamp=time_ms,
            on_delivery=lambda error, _: told.append("" if error is None else error.name()),
            **place,
        )
        assert producer.flush(30) == 0
        return told[0]

    def start(self, service: Service, instance: str = "0") -> RealProcess:
        metrics = CollectorRegistry()
        settings = self._settings.model_copy(update={"instance": instance})
        process = RealProcess(Loop(service, settings, self._context.codec, LoopMetrics(metrics), self._context.log), metrics)
        self._closing.append(process.stop)
        return process

    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        place = TopicPartition(self.prefix + topic.name, partition, offset)
        admin = AdminClient(self._settings.librdkafka())
        for answer in admin.delete_records([place]).values():
            answer.result()

    def abort(self, topic: Topic, key: str, event: Event) -> None:
        producer = Producer({**self._settings.librdkafka(), "transactional.id": f"{self.prefix}aborting", "partitioner": "murmur2_random"})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(self.prefix + topic.name, self.clients.codec.encode(topic, event), key.encode())
        producer.flush(30)
        producer.abort_transaction(30)


class MemoryProcess:
    """The loop in memory; all of a stage work by turns."""

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
            self._broker.produce(Record(topic.name, key, value, list(headers), partition), time_ms or None)
        except KafkaException as error:
            return error.args[0].name()
        return ""

    def start(self, service: Service, instance: str = "0") -> MemoryProcess:
        return MemoryProcess(MemoryLoop(service, self._broker), self._loops)

    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        self._broker.delete_before(topic, partition, offset)

    def abort(self, topic: Topic, key: str, event: Event) -> None:
        raise NotImplementedError
