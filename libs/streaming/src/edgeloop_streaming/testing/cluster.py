"""Topics, offsets, groups and transactions in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, Message
from edgeloop_contracts import Topic, topics
from edgeloop_contracts.topic import Partitions
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.partitioner import murmur2
from edgeloop_kafka.received_record import Place

from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.testing.logs import PartitionLog
from edgeloop_streaming.testing.schemas import MemorySchemas
from edgeloop_streaming.transactions import FencedError


class MemoryCluster:
    """A Kafka cluster and a schema registry in memory, with all declared topics.

    Time passes with the records: each one takes a millisecond.

    Parameters
    ----------
    partitions
        Of topics that have many.

    Attributes
    ----------
    now
        The broker's clock, milliseconds; a test may set it forward.
    schemas, codec
        The registry, and a codec on it.
    """

    def __init__(self, partitions: int = 4) -> None:
        self._partitions = partitions
        self._topics = {topic.name: topic for topic in topics.all_topics()}
        self.schemas = MemorySchemas(self._topics.values())
        self.codec = Codec(self.schemas)
        self.now = 0
        self._numbers = itertools.count()
        self._logs: dict[Place, PartitionLog] = {}
        self._committed: dict[tuple[str, Place], int] = {}
        self._owners: dict[tuple[str, int], object] = {}

    def topic(self, name: str) -> Topic:
        """The topic of that name.

        Raises
        ------
        KafkaException
            There is none.
        """
        if name not in self._topics:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"the topic {name} does not exist"))
        return self._topics[name]

    def partitions_of(self, name: str) -> int:
        """Number of partitions of a topic."""
        return self._partitions if self.topic(name).partitions is Partitions.MANY else 1

    def log(self, topic: str, partition: int) -> PartitionLog:
        """Records of a partition."""
        found = self._logs.get((topic, partition))
        if found is None:
            if not 0 <= partition < self.partitions_of(topic):
                raise KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION, f"{topic} has no partition {partition}"))
            found = self._logs[topic, partition] = PartitionLog()
        return found

    def produce(self, record: OutputRecord, timestamp: int | None = None) -> ConsumerMessage:
        """Write bytes, as any program may that has a Kafka client; give back where they lie.

        Parameters
        ----------
        timestamp
            The producer's; the broker's clock by default and where a topic is stamped by its broker.
        """
        if timestamp is None or self.topic(record.topic).log_append_time:
            timestamp = self.now + 1
        return self.append(record, self._placed(record), timestamp)

    def append(self, record: OutputRecord, place: Place, timestamp: int, offset: int | None = None) -> ConsumerMessage:
        """Write a record that is to lie exactly there, and then."""
        log = self.log(*place)
        self.now = max(self.now + 1, timestamp)
        kind = TIMESTAMP_LOG_APPEND_TIME if self.topic(place[0]).log_append_time else TIMESTAMP_CREATE_TIME
        written: Any = Message(
            topic=place[0],
            partition=place[1],
            offset=log.end if offset is None else offset,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            timestamp=(kind, timestamp),
        )
        message: ConsumerMessage = written
        log.append(next(self._numbers), message)
        return message

    def join(self, group: str, partitions: Iterable[int], member: object) -> None:
        """Give partitions to a member of a group; whoever had them before is fenced."""
        self._owners |= {(group, partition): member for partition in partitions}

    def commit(self, group: str, member: object, records: Iterable[OutputRecord], offsets: Mapping[Place, int]) -> list[ConsumerMessage]:
        """Records and offsets of a transaction, all or none; a marker follows in each partition that was written.

        Raises
        ------
        FencedError
            Another member has been given the partitions.
        KafkaException
            A record cannot be written.
        """
        if any(self._owners.get((group, partition)) is not member for _, partition in offsets):
            raise FencedError(f"another process of {group} has these partitions")
        placed = [(record, self._placed(record)) for record in records]
        written = [self.append(record, place, self.now + 1) for record, place in placed]
        for place in {place for _, place in placed}:
            self._logs[place].mark()
        self._committed |= {(group, place): offset for place, offset in offsets.items()}
        return written

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Committed offset of a group; ``None`` before its first commit."""
        return self._committed.get((group, (topic, partition)))

    def compact(self, topic: Topic) -> None:
        """Keep the newest record of each key."""
        for partition in range(self.partitions_of(topic.name)):
            self.log(topic.name, partition).compact()

    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        """Delete a partition's records before ``offset``, as retention does."""
        self.log(topic.name, partition).delete_before(offset)

    def _placed(self, record: OutputRecord) -> Place:
        """Partition of a record, if it can be written."""
        topic, count = self.topic(record.topic), self.partitions_of(record.topic)
        if len(record.value or b"") > 2 * topic.max_bytes:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, f"{topic.name} takes {2 * topic.max_bytes} bytes"))
        if topic.compacted and record.key is None:
            raise KafkaException(KafkaError(KafkaError.INVALID_RECORD, f"{topic.name} is compacted and takes no record without a key"))
        partition = record.partition
        if partition is None:
            # Without a key any partition will do.
            partition = self.now % count if record.key is None else (murmur2(record.key) & 0x7FFFFFFF) % count
        self.log(record.topic, partition)
        return record.topic, partition
