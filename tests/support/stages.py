"""The conformance suite's view of a broker with a few topics, real or in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from edgeloop_contracts import Event, Topic, topics
from edgeloop_kafka import Codec, Received, RegistryUnavailableError
from edgeloop_readers import Follower, RangeReader, Table
from edgeloop_streaming import Service
from prometheus_client import CollectorRegistry

SERVICE = "ingestion"  # names what exists of a service: its state, which holds SeenRows, and its dead letters
PARTITIONS = 2
TOPICS = (
    topics.LABELS_RAW,
    topics.OBSERVATIONS,
    topics.LABELS,
    topics.DRIFT_SIGNALS,
    topics.STREAMS,
    topics.ALERTS,
    topics.SKIPS,
    topics.GAPS,
    topics.state(SERVICE),
    topics.dead_letters(SERVICE),
    topics.redrive(SERVICE),
)
Headers = Sequence[tuple[str, bytes]]


class Process(Protocol):
    """One life of a service on a stage."""

    metrics: CollectorRegistry

    def until(self, condition: Callable[[], bool]) -> None:
        """Let every process work until a condition holds."""
        ...

    def end(self) -> Exception:
        """Let it work until it ends by itself; give back the error."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


class Clients(Protocol):
    """The interface of both brokers."""

    codec: Codec

    def reader(self) -> RangeReader: ...
    def follower(self, topics: Iterable[Topic]) -> Follower: ...
    def table(self, topic: Topic) -> Table: ...


class Switch:
    """A schema registry that can be silenced."""

    def __init__(self, schemas: Any) -> None:
        self._schemas = schemas
        self.off = False
        self.refused = 0

    def register(self, subject: str, schema: str) -> int:
        return self._schemas.register(subject, schema)

    def lookup(self, subject: str, schema: str) -> int:
        self._ask()
        return self._schemas.lookup(subject, schema)

    def schema(self, wanted: Any) -> Any:
        self._ask()
        return self._schemas.schema(wanted)

    def _ask(self) -> None:
        if self.off:
            self.refused += 1
            raise RegistryUnavailableError("switched off")


class Stage(ABC):
    """A broker with a few topics of two partitions, and the operations of the suite."""

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
        """All committed records except tombstones, in order within a partition."""
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
    def start(self, service: Service, instance: str = "0", most_dead: int = 0) -> Process:
        """Start a process, which halts a partition after ``most_dead`` dead letters in a row, if a limit is given."""

    @abstractmethod
    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        """Delete the oldest records, as retention does."""

    @abstractmethod
    def abort(self, topic: Topic, key: str, event: Event) -> None:
        """Write an event in a transaction, and abort it."""
