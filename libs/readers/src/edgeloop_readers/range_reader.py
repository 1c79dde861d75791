"""Committed records of a topic by offset range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException
from edgeloop_contracts import Topic
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Received, received_from
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.partition_reader import PartitionReader, RangeGoneError
from edgeloop_readers.skipped_records import SkipListener, ignore_skipped


class RangeReader:
    """Committed records of a topic by offset range.

    Parameters
    ----------
    settings, codec
        As of the process.
    skipped
        Listener for each record that is no event.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, skipped: SkipListener = ignore_skipped) -> None:
        self._prefix = settings.topic_prefix
        self._codec = codec
        self._skipped = skipped
        self._reader = PartitionReader(settings, wait_ms=5)

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = 30.0) -> list[Received[Any]]:
        """Records with ``first <= offset < end``, without undecodable and compacted ones.

        Raises
        ------
        RangeGoneError
            ``first`` has been deleted by retention.
        TimeoutError
            ``end`` was not reached, and no record came for ``timeout`` seconds.
        """
        records: list[Received[Any]] = []
        self.each(topic, partition, first, end, records.append, timeout)
        return records

    def each(
        self, topic: Topic, partition: int, first: int, end: int, handle: Callable[[Received[Any]], None], timeout: float = 30.0
    ) -> None:
        """Hand over the records of :meth:`read` one by one, so that records before a failure are not lost."""

        def decode_and_handle(message: ConsumerMessage) -> None:
            if message.offset() < end and message.value() is not None:
                try:
                    record = received_from(message, topic, self._codec)
                except InvalidEventError as error:
                    self._skipped(topic, message, error)
                    return
                handle(record)

        place = (self._prefix + topic.name, partition)
        if first < end:
            self._reader.assign({place: first})
            try:
                self._reader.read_until({place: end}, decode_and_handle, timeout)
            finally:
                self._reader.release()

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record (control records included); later writes have this offset or a higher one.

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
