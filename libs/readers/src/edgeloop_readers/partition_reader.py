"""A consumer without a group that knows the ends of its partitions."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from edgeloop_errors import InvalidError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.offsets import connected_admin, end_offsets


class RangeGoneError(InvalidError):
    """Records that a range names have been deleted."""


LEADER_S = 5.0  # how long a change of a partition's leader may take

_LEADER_CHANGES = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


class PartitionReader:
    """A consumer without a group that knows when it has reached the end of its partitions.

    Parameters
    ----------
    settings
        Shared settings.
    wait_ms
        Milliseconds that the broker holds an empty fetch. A small value suits changing partitions, because a new fetch waits for the old
        one.
    """

    def __init__(self, settings: KafkaSettings, wait_ms: int = 100) -> None:
        self._settings = settings
        self._admin: AdminClient | None = None
        self._consumer = Consumer(
            {
                **settings.librdkafka(),
                "group.id": f"{settings.topic_prefix}none",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": wait_ms,
                "fetch.queue.backoff.ms": 10,
                "queued.max.messages.kbytes": 16_384,
            }
        )
        self._next: dict[Place, int] = {}
        self._discovered: set[str] = set()

    def assign(self, starts: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets; ``OFFSET_BEGINNING`` for their first record."""
        self._discover({topic for topic, _ in starts})
        self._next = {place: max(start, 0) for place, start in starts.items()}
        self._consumer.assign([TopicPartition(topic, partition, start) for (topic, partition), start in starts.items()])

    def release(self) -> None:
        """Stop reading."""
        self._next = {}
        self._consumer.unassign()

    def partitions_of(self, topic: str) -> list[int]:
        """Partitions of a topic, by its full name.

        Raises
        ------
        LookupError
            The topic does not exist.
        KafkaException
            There is no right to see it.
        """
        metadata = self._consumer.list_topics(topic, timeout=10).topics[topic]
        if metadata.error is not None and metadata.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, f"{topic}: {metadata.error.str()}"))
        if metadata.error is not None or not metadata.partitions:
            raise LookupError(f"the topic {topic} does not exist: run `edgeloop topics --apply`")
        self._discovered.add(topic)
        return sorted(metadata.partitions)

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Offset after the last committed record (control records included) of each partition."""
        asked, deadline = list(places), time.monotonic() + LEADER_S
        while True:
            known = self._admin is not None
            if self._admin is None:  # not `or`: a client with nothing to do has the length 0
                self._admin = connected_admin(self._settings)
            try:
                return end_offsets(self._admin, asked)
            except KafkaException as error:
                # The client keeps old leader epochs for good; a broker that was away has newer ones.
                self._admin = None
                # Right after a topic was made, brokers may not have agreed yet who leads it.
                changing = error.args[0].code() in _LEADER_CHANGES and time.monotonic() < deadline
                if not known and not changing:
                    raise
            time.sleep(0.1 if changing else 0)

    def start(self, place: Place) -> int:
        """Offset of the oldest record of a partition that is kept."""
        low, _ = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)
        return low

    def span(self, place: Place) -> tuple[int, int]:
        """Offset of the oldest record of a partition that is kept, and the offset after the last committed one."""
        end = self.ends([place])[place]  # first, because it waits for an unknown leader
        return self.start(place), end

    def poll(self, timeout: float) -> list[ConsumerMessage]:
        """Messages that are there within ``timeout`` seconds; ends of partitions are noted."""
        messages: list[ConsumerMessage] = []
        first = self._consumer.poll(timeout)
        come = [] if first is None else cast("list[ConsumerMessage]", [first, *self._consumer.consume(1000, 0)])
        for message in come:
            place = (message.topic(), message.partition())
            error = message.error()
            if error is None:
                messages.append(message)
                self._advance(place, message.offset() + 1)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._advance(place, message.offset())
            elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                raise RangeGoneError(f"{place[0]}/{place[1]}: {error.str()}")
            elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                continue  # the client looks for a coordinator of its unused group, for which nobody has a right
            elif not error.retriable() and error.code() not in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                raise KafkaException(error)
        return messages

    def read_until(self, ends: Mapping[Place, int], handle: Callable[[ConsumerMessage], None], timeout: float = 60.0) -> None:
        """Hand over messages until every partition has been read up to its end.

        Raises
        ------
        TimeoutError
            An end was not reached, and no record came for ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while any(self._next.get(place, 0) < end for place, end in ends.items()):
            before = dict(self._next)
            for message in self.poll(0.1):
                handle(message)
            if self._next != before:
                deadline = time.monotonic() + timeout
            elif time.monotonic() > deadline:
                raise TimeoutError(f"stood at {self._next} of {dict(ends)} for {timeout:.0f} s")

    def until(self, place: Place, end: int, timeout: float = 60.0) -> Iterator[ConsumerMessage]:
        """Messages of the assigned partition up to its end, as they come; see :meth:`read_until`."""
        found: deque[ConsumerMessage] = deque()
        while self._next.get(place, 0) < end:
            self.read_until({place: min(self._next.get(place, 0) + 1, end)}, found.append, timeout)
            while found:
                yield found.popleft()

    def cluster_id(self) -> str:
        """Id of the Kafka cluster."""
        return self._consumer.list_topics(timeout=10).cluster_id or ""

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _discover(self, topics: set[str]) -> None:
        """Look up the leaders of these topics; the client itself would do so only a second after the assignment."""
        for topic in topics - self._discovered:
            with suppress(KafkaException):  # the client asks again while it reads
                self._consumer.list_topics(topic, timeout=LEADER_S)
                self._discovered.add(topic)

    def _advance(self, place: Place, offset: int) -> None:
        if place in self._next:
            self._next[place] = max(self._next[place], offset)
