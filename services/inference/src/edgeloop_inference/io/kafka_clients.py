"""The device's view of Kafka; ``edgeloop_streaming`` implements it, and tests replace it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from edgeloop_contracts import Cause, Event, Topic
from edgeloop_kafka import Received

E = TypeVar("E", bound=Event)
K = TypeVar("K", bound=str)


class Publisher(Protocol):
    """Sends events; delivery reports come from :meth:`poll` and :meth:`flush`."""

    def publish(
        self,
        topic: Topic[E, K],
        key: K,
        event: E,
        *,
        cause: Cause | None = None,
        on_delivery: Callable[[str | None], None] | None = None,
        headers: Mapping[str, bytes] | None = None,
        sign: Callable[[str, bytes, bytes, bytes], Mapping[str, bytes]] | None = None,
        stamped: Callable[[int], None] | None = None,
    ) -> str:
        """Hand an event over; ``on_delivery`` gets ``None`` or the error's text, ``stamped`` the record time before that."""
        ...

    def poll(self, timeout: float = 0.0) -> int:
        """Serve delivery reports."""
        ...

    def flush(self, timeout: float = 30.0) -> int:
        """Wait for deliveries; give back how many are outstanding."""
        ...


class Follower(Protocol):
    """Reads whole topics and what comes after."""

    def poll(self, timeout: float = 0.1) -> list[Received[Any]]:
        """Records that came."""
        ...

    def refresh(self, handle: Callable[[Received[Any]], None], timeout: float = 30.0) -> None:
        """Hand over everything committed until now."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Reader(Protocol):
    """Reads offset ranges."""

    def each(
        self, topic: Topic, partition: int, first: int, end: int, handle: Callable[[Received[Any]], None], timeout: float = 30.0
    ) -> None:
        """Hand over records with ``first <= offset < end`` as they come."""
        ...

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record."""
        ...

    def close(self) -> None:
        """End."""
        ...


class MeteredReader:
    """A reader that tells how many bytes each record has brought."""

    def __init__(self, reader: Reader, count: Callable[[int], None]) -> None:
        self._reader = reader
        self._count = count

    def each(
        self, topic: Topic, partition: int, first: int, end: int, handle: Callable[[Received[Any]], None], timeout: float = 30.0
    ) -> None:
        """Hand over records with ``first <= offset < end`` as they come."""

        def count_and_handle(record: Received[Any]) -> None:
            self._count(len(record.raw))
            handle(record)

        self._reader.each(topic, partition, first, end, count_and_handle, timeout)

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record."""
        return self._reader.end(topic, partition)

    def close(self) -> None:
        """End."""
        self._reader.close()


class Kafka(Protocol):
    """Makes clients."""

    def publisher(self, timeout_s: float | None = 30.0) -> Publisher:
        """A producer that gives a record up after ``timeout_s``, or never."""
        ...

    def follower(self, topics: Iterable[Topic]) -> Follower:
        """A follower of topics from their beginning."""
        ...

    def reader(self) -> Reader:
        """A reader of ranges."""
        ...
