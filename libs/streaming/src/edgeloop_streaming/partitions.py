"""Reading partitions without a group: whole, by range, or following their end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from edgeloop_contracts import Cause, Topic

from edgeloop_streaming.causation import identify
from edgeloop_streaming.codec import Codec, UndecodableError, UnknownKindError
from edgeloop_streaming.consumed import Consumed
from edgeloop_streaming.messages import Received
from edgeloop_streaming.registry import RegistryUnavailable
from edgeloop_streaming.settings import KafkaSettings

Place = tuple[str, int]
# What is raised at a record that is well-formed and makes no sense. All else (a disk, a broker, memory) ends the process.
SENSELESS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
LEADER_S = 5.0  # how long a change of a partition's leader may take
_LEADER_CHANGES = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


class RangeGoneError(Exception):
    """Records that a range names have been deleted."""


class Telling(Protocol):
    """Told of each record that is left out, such as :class:`edgeloop_streaming.overlooked.Overlooked`."""

    def __call__(self, topic: Topic, message: Consumed, error: UndecodableError | UnknownKindError, *, fresh: bool = True) -> None:
        """Take note of it; ``fresh`` is false where it lay there before this process began to follow."""
        ...


def untold(topic: Topic, message: Consumed, error: UndecodableError | UnknownKindError, *, fresh: bool = True) -> None:
    """Take no note: for who shows what he reads himself."""
    del topic, message, error, fresh


def received_from(message: Consumed, topic: Topic, codec: Codec) -> Received[Any]:
    """Decode a Kafka message; see :meth:`Codec.decode` for what it raises."""
    headers = headers_of(message)
    place = f"{topic.name}/{message.partition()}/{message.offset()}"
    value = message.value() or b""
    event = codec.decode(topic, value, headers)
    event_id, correlation = identify(headers, place)
    key = (message.key() or b"").decode("utf-8", "replace")
    return Received(
        event, topic.name, message.partition(), message.offset(), message.timestamp()[1], key, event_id, correlation, headers, value
    )


def cause_of(message: Consumed, topic: Topic) -> Cause:
    """A Kafka message as the cause of an event; the same as ``received_from(…).cause``, without decoding."""
    place = f"{topic.name}/{message.partition()}/{message.offset()}"
    event_id, correlation = identify(headers_of(message), place)
    return Cause(id=event_id, correlation=correlation, at=place)


def headers_of(message: Consumed) -> dict[str, bytes]:
    """Headers as a mapping; where a name repeats, the last wins, and where one is no text, there are none."""
    try:
        given = message.headers() or ()
    except UnicodeDecodeError:  # the client decodes names, whatever they are
        return {}
    return {name: (value.encode() if isinstance(value, str) else value or b"") for name, value in given}


class PartitionReader:
    """A consumer without a group that knows when it has reached the end of its partitions.

    Parameters
    ----------
    settings
        Shared settings.
    wait_ms
        How long the broker holds an empty fetch; small where partitions change often, as a new fetch waits for the old one.
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
        self._met: set[str] = set()

    def assign(self, starts: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets; ``OFFSET_BEGINNING`` for their first record."""
        self._meet({topic for topic, _ in starts})
        self._next = {place: max(start, 0) for place, start in starts.items()}
        self._consumer.assign([TopicPartition(topic, partition, start) for (topic, partition), start in starts.items()])

    def release(self) -> None:
        """Read nothing any more."""
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
        self._met.add(topic)
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
                # It keeps the leader epochs that it has seen, and asks with them for good; a broker that was away has newer ones.
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
        end = self.ends([place])[place]  # asked first: it waits for a leader that is not known yet
        return self.start(place), end

    def poll(self, timeout: float) -> list[Consumed]:
        """Messages that are there within ``timeout`` seconds; ends of partitions are noted."""
        messages: list[Consumed] = []
        first = self._consumer.poll(timeout)
        come = [] if first is None else cast("list[Consumed]", [first, *self._consumer.consume(1000, 0)])
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
                continue  # the client wants a name for a group that is none, and looks for its coordinator: nobody has a right to that
            elif not error.retriable() and error.code() not in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                raise KafkaException(error)
        return messages

    def read_until(self, ends: Mapping[Place, int], handle: Callable[[Consumed], None], timeout: float = 60.0) -> None:
        """Hand over messages until every partition has been read up to its end.

        Raises
        ------
        TimeoutError
            An end was not reached, and nothing came for ``timeout`` seconds: a slow machine may take its time.
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

    def until(self, place: Place, end: int, timeout: float = 60.0) -> Iterator[Consumed]:
        """Messages of the assigned partition up to its end, as they come; see :meth:`read_until`."""
        found: deque[Consumed] = deque()
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

    def _meet(self, topics: set[str]) -> None:
        """Learn who leads these topics: of one that the client has not met, it asks a second after its assignment only."""
        for topic in topics - self._met:
            with suppress(KafkaException):  # it is asked again while the partitions are read
                self._consumer.list_topics(topic, timeout=LEADER_S)
                self._met.add(topic)

    def _advance(self, place: Place, offset: int) -> None:
        if place in self._next:
            self._next[place] = max(self._next[place], offset)


def connected_admin(settings: KafkaSettings) -> AdminClient:
    """
    Make a client for lookups that has met its cluster.

    What a new one asks while it still learns the brokers' names can get lost, and is asked again after 3 s only.

    Raises
    ------
    KafkaException
        The cluster cannot be reached within ten seconds.
    """
    admin = AdminClient(settings.librdkafka())
    admin.list_topics(timeout=10)
    return admin


def end_offsets(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """Last stable offset of each partition, asked in one request."""
    return _offsets(admin, places, OffsetSpec.latest())


def earliest_offsets(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """Offset of the oldest record of each partition that is kept, asked in one request."""
    return _offsets(admin, places, OffsetSpec.earliest())


def _offsets(admin: AdminClient, places: Iterable[Place], spec: Any) -> dict[Place, int]:
    wanted: dict[Any, Any] = {TopicPartition(topic, partition): spec for topic, partition in places}
    if not wanted:
        return {}
    answers = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=10)
    return {(tp.topic, tp.partition): answer.result().offset for tp, answer in answers.items()}


class RangeReader:
    """Committed records of a topic by offset range.

    Parameters
    ----------
    settings, codec
        As of the process.
    overlooked
        Told of each record that is no event.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, overlooked: Telling = untold) -> None:
        self._prefix = settings.topic_prefix
        self._codec = codec
        self._overlooked = overlooked
        self._reader = PartitionReader(settings, wait_ms=5)

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = 30.0) -> list[Received[Any]]:
        """Records with ``first <= offset < end``; what cannot be decoded or is deleted by compaction is left out.

        Raises
        ------
        RangeGoneError
            ``first`` has been deleted by retention.
        TimeoutError
            ``end`` was not reached, and nothing came for ``timeout`` seconds.
        """
        records: list[Received[Any]] = []
        self.each(topic, partition, first, end, records.append, timeout)
        return records

    def each(
        self, topic: Topic, partition: int, first: int, end: int, handle: Callable[[Received[Any]], None], timeout: float = 30.0
    ) -> None:
        """Hand over the records of :meth:`read` one by one as they come, so that what has come before a failure is not lost."""

        def take(message: Consumed) -> None:
            if message.offset() < end and message.value() is not None:
                try:
                    record = received_from(message, topic, self._codec)
                except (UndecodableError, UnknownKindError) as error:
                    self._overlooked(topic, message, error)
                    return
                handle(record)

        place = (self._prefix + topic.name, partition)
        if first < end:
            self._reader.assign({place: first})
            try:
                self._reader.read_until({place: end}, take, timeout)
            finally:
                self._reader.release()

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record (control records included): what is written from now on lies there or later.

        Raises
        ------
        RangeGoneError
            The topic has no such partition.
        """
        place = (self._prefix + topic.name, partition)
        try:
            return self._reader.ends([place])[place]
        except KafkaException as error:
            if partition in self._reader.partitions_of(place[0]):
                raise
            raise RangeGoneError(f"{topic.name} has no partition {partition}") from error

    def spans(self, topic: Topic) -> dict[int, tuple[int, int]]:
        """By partition: the offset of the oldest record that is kept, and the offset after the last committed one.

        Raises
        ------
        LookupError
            The topic does not exist.
        """
        name = self._prefix + topic.name
        places = [(name, partition) for partition in self._reader.partitions_of(name)]
        ends = self._reader.ends(places)
        return {place[1]: (self._reader.start(place), ends[place]) for place in places}

    def cluster_id(self) -> str:
        """Id of the Kafka cluster."""
        return self._reader.cluster_id()

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()


class Follower:
    """All committed records of some topics from their beginning, without a group.

    Parameters
    ----------
    settings, codec
        As of the process.
    topics
        What to follow.
    overlooked
        Told of each record that is no event.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, topics: Iterable[Topic], overlooked: Telling = untold) -> None:
        self._codec = codec
        self._overlooked = overlooked
        self._topics = {settings.topic_prefix + topic.name: topic for topic in topics}
        self._reader = PartitionReader(settings)
        self._places = [(name, p) for name in self._topics for p in self._reader.partitions_of(name)]
        self._reader.assign(dict.fromkeys(self._places, OFFSET_BEGINNING))
        self._waiting: deque[Consumed] = deque()
        self._before: dict[Place, int] | None = None

    def poll(self, timeout: float = 0.1) -> list[Received[Any]]:
        """Records that came; a tombstone is left out (see :class:`Table` for keys that go).

        Raises
        ------
        RegistryUnavailable
            A schema cannot be had now; nothing is lost, the next call has the records.
        """
        self._waiting += self._reader.poll(0 if self._waiting else timeout)
        records: list[Received[Any]] = []
        try:
            self._hand_over(records.append)
        except RegistryUnavailable:
            if not records:
                raise
        return records

    def refresh(self, handle: Callable[[Received[Any]], None], timeout: float = 30.0) -> None:
        """Hand over everything that was committed when this was called.

        Raises
        ------
        RegistryUnavailable
            As :meth:`poll`.
        """
        ends = self._reader.ends(self._places)
        if self._before is None:
            self._before = ends
        self._reader.read_until(ends, self._waiting.append, timeout)
        self._hand_over(handle)

    def _hand_over(self, handle: Callable[[Received[Any]], None]) -> None:
        while self._waiting:
            record = self._decode(self._waiting[0])
            message = self._waiting.popleft()
            if record is None:
                continue
            try:
                handle(record)
            except SENSELESS as error:  # well-formed, and nothing that its reader can make sense of
                self._overlook(message, UndecodableError("UNHANDLED", f"{type(record.event).__name__}: {error!r}"))

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _decode(self, message: Consumed) -> Received[Any] | None:
        if message.value() is None:
            return None
        try:
            return received_from(message, self._topics[message.topic()], self._codec)
        except (UndecodableError, UnknownKindError) as error:
            self._overlook(message, error)
            return None

    def _overlook(self, message: Consumed, error: UndecodableError | UnknownKindError) -> None:
        before = (self._before or {}).get((message.topic(), message.partition()), 0)
        self._overlooked(self._topics[message.topic()], message, error, fresh=message.offset() >= before)


class Table:
    """The newest record of each key of a topic.

    Parameters
    ----------
    follower
        Follows the one topic of the table.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._records: dict[str, Received[Any]] = {}

    def refresh(self) -> None:
        """Take in everything that has been committed until now."""
        self._follower.refresh(self._take)

    def close(self) -> None:
        """Close the connection."""
        self._follower.close()

    def poll(self) -> None:
        """Take in what has arrived by now, without asking the broker or waiting."""
        for record in self._follower.poll(0):
            self._take(record)

    def get(self, key: str) -> Received[Any] | None:
        """Newest record of a key as of the last :meth:`refresh` or :meth:`poll`."""
        return self._records.get(key)

    def items(self) -> list[tuple[str, Received[Any]]]:
        """Newest records as of the last :meth:`refresh`, by key."""
        return sorted(self._records.items())

    def _take(self, record: Received[Any]) -> None:
        self._records[record.key] = record
