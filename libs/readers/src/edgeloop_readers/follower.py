"""Records of whole topics, from their first one on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING
from edgeloop_contracts import Topic
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.codec import Codec, UndecodableError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import RECORD_ERRORS, Place, Received, received_from
from edgeloop_kafka.schema_registry import RegistryUnavailableError
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_readers.skipped_records import SkipListener, ignore_skipped


class Follower:
    """All committed records of some topics from their beginning, without a group.

    Parameters
    ----------
    settings, codec
        As of the process.
    topics
        What to follow.
    skipped
        Told of each record that is no event.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, topics: Iterable[Topic], skipped: SkipListener = ignore_skipped) -> None:
        self._codec = codec
        self._skipped = skipped
        self._topics = {settings.topic_prefix + topic.name: topic for topic in topics}
        self._reader = PartitionReader(settings)
        self._places = [(name, p) for name in self._topics for p in self._reader.partitions_of(name)]
        self._reader.assign(dict.fromkeys(self._places, OFFSET_BEGINNING))
        self._waiting: deque[ConsumerMessage] = deque()
        self._before: dict[Place, int] | None = None

    def poll(self, timeout: float = 0.1) -> list[Received[Any]]:
        """Records that came; a tombstone is left out (see :class:`Table` for keys that go).

        Raises
        ------
        RegistryUnavailableError
            A schema cannot be had now; nothing is lost, the next call has the records.
        """
        self._waiting += self._reader.poll(0 if self._waiting else timeout)
        records: list[Received[Any]] = []
        try:
            self._hand_over(records.append)
        except RegistryUnavailableError:
            if not records:
                raise
        return records

    def refresh(self, handle: Callable[[Received[Any]], None], timeout: float = 30.0) -> None:
        """Hand over everything that was committed when this was called.

        Raises
        ------
        RegistryUnavailableError
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
            except RECORD_ERRORS as error:  # well-formed, and nothing that its reader can make sense of
                self._overlook(message, UndecodableError("UNHANDLED", f"{type(record.event).__name__}: {error!r}"))

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _decode(self, message: ConsumerMessage) -> Received[Any] | None:
        if message.value() is None:
            return None
        try:
            return received_from(message, self._topics[message.topic()], self._codec)
        except InvalidEventError as error:
            self._overlook(message, error)
            return None

    def _overlook(self, message: ConsumerMessage, error: InvalidEventError) -> None:
        before = (self._before or {}).get((message.topic(), message.partition()), 0)
        self._skipped(self._topics[message.topic()], message, error, fresh=message.offset() >= before)
