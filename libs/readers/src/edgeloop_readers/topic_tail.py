"""The newest records of a topic and those that follow, undecodable ones included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import Topic
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place, Received, received_from
from edgeloop_kafka.schema_registry import RegistryUnavailableError
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.offsets import connected_admin, earliest_offsets, end_offsets
from edgeloop_readers.partition_reader import PartitionReader


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that is no event: a tombstone, or bytes that its topic does not take.

    Attributes
    ----------
    topic, partition, offset, timestamp, key
        Where and when it lies, the time in milliseconds.
    reason
        Why it is none.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str
    reason: str


Shown = Received[Any] | Odd


class TopicTail:
    """Reads one topic.

    Parameters
    ----------
    settings, codec
        As of the process.
    topic
        Which.

    Raises
    ------
    LookupError
        The cluster does not have it.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, topic: Topic) -> None:
        self._topic = topic
        self._codec = codec
        self._reader = PartitionReader(settings)
        self._admin = connected_admin(settings)
        name = settings.topic_prefix + topic.name
        self._places: list[Place] = [(name, p) for p in self._reader.partitions_of(name)]

    def existing(self, newest: int = 0) -> Iterator[Shown]:
        """Current records; :meth:`poll` continues behind them.

        Parameters
        ----------
        newest
            Read no further back than it takes to find that many in each partition; 0 reads everything.
        """
        ends = end_offsets(self._admin, self._places)
        starts = earliest_offsets(self._admin, self._places)
        if newest:
            # Every transaction leaves a control record behind, so more offsets are needed than records.
            starts = {place: max(start, ends[place] - 3 * newest - 10) for place, start in starts.items()}
        self._reader.assign(starts)
        messages: list[ConsumerMessage] = []
        self._reader.read_until({place: end for place, end in ends.items() if end > starts[place]}, messages.append)
        yield from map(self._shown, sorted(messages, key=lambda m: (m.timestamp()[1], m.partition(), m.offset())))

    def poll(self, timeout: float) -> list[Shown]:
        """New records within ``timeout`` seconds."""
        return [self._shown(message) for message in self._reader.poll(timeout)]

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _shown(self, message: ConsumerMessage) -> Shown:
        try:
            if message.value() is not None:
                return received_from(message, self._topic, self._codec)
            reason = "tombstone"
        except InvalidEventError as error:
            reason = str(error)
        except RegistryUnavailableError as error:
            reason = f"its schema cannot be had now: {error}"
        key = (message.key() or b"").decode("utf-8", "replace")
        return Odd(self._topic.name, message.partition() or 0, message.offset() or 0, message.timestamp()[1], key, reason)
