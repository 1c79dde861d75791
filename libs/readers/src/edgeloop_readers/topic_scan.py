"""Progress of whole topics and of the groups that read them, seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from edgeloop_contracts import Checkpoint, Topic
from edgeloop_contracts.topics import CHECKPOINT_KEY, state
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Received, received_from
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.offsets import connected_admin, end_offsets
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_readers.skipped_records import SkipListener, ignore_skipped

Place = tuple[str, int]
ClientError = KafkaException  # error of Kafka's client, for callers that do not import the client
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a cluster. Topics are named without the settings' prefix.

    Attributes
    ----------
    ends
        By topic and partition: the offset after the last watched record. Unwatched records and control records do not count, so a group
        that has handled everything is here or beyond.
    committed
        By service, then by topic and partition: where its group stands.
    """

    ends: Mapping[Place, int]
    committed: Mapping[str, Mapping[Place, int]]


class Scanner:
    """Follows topics from their ends at its start, and gives the progress of their readers.

    Parameters
    ----------
    settings, codec
        As of the process.
    topics
        Topics to follow.
    services
        Services whose groups are read.
    watched
        Test of a key; records of other keys are passed over undecoded.
    unread
        Topics of which only the ends are needed.
    skipped
        Listener for each watched record that is no event.

    Attributes
    ----------
    starts
        Where the topics ended when this was made.
    ends
        As in :class:`Scan`, up to the position of this reader.
    handled
        By service: offsets of its newest checkpoints. They arrive with the effects of the same transactions, so they show cheaply when a
        scan is worthwhile.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        codec: Codec,
        topics: Iterable[Topic],
        services: Iterable[str],
        watched: Callable[[str], bool],
        unread: Iterable[Topic] = (),
        skipped: SkipListener = ignore_skipped,
    ) -> None:
        self._prefix = settings.topic_prefix
        self._codec = codec
        self._groups = {f"{self._prefix}edgeloop-{service}": service for service in services}
        self._states = {self._prefix + state(service).name: service for service in self._groups.values()}
        states = [state(service) for service in self._groups.values()]
        self._topics = {self._prefix + topic.name: topic for topic in (*topics, *states)}
        self._watched = watched
        self._unread = {topic.name for topic in unread}
        self._skipped = skipped
        self._admin = connected_admin(settings)
        # An empty fetch shows the end of a partition, so the broker must not hold it for long.
        self._reader = PartitionReader(settings, wait_ms=8)
        self._places = [(name, p) for name in self._topics for p in self._reader.partitions_of(name)]
        self.starts = {(name.removeprefix(self._prefix), p): end for (name, p), end in end_offsets(self._admin, self._places).items()}
        self._reader.assign({(self._prefix + name, p): start for (name, p), start in self.starts.items()})
        self.ends: dict[Place, int] = {}
        self.handled: dict[str, dict[Place, int]] = {service: {} for service in self._groups.values()}

    def poll(self, timeout: float) -> list[Received[Any]]:
        """Watched records that come within ``timeout`` seconds."""
        return [record for message in self._reader.poll(timeout) if (record := self._watched_record(message)) is not None]

    def scan(self) -> tuple[Scan, list[Received[Any]]]:
        """One scan, and the watched records that came meanwhile.

        Groups are read before the ends. So all that a group has handled, with its effects, lies before the ends.
        """
        committed = self._committed()
        records: list[Received[Any]] = []

        def collect(message: ConsumerMessage) -> None:
            if (record := self._watched_record(message)) is not None:
                records.append(record)

        self._reader.read_until(end_offsets(self._admin, self._places), collect)
        return Scan(dict(self.ends), committed), records

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _committed(self) -> dict[str, dict[Place, int]]:
        asked = [
            self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=_TIMEOUT)
            for group in self._groups
        ]
        return {
            self._groups[group]: {
                (tp.topic.removeprefix(self._prefix), tp.partition): tp.offset for tp in answer.result(_TIMEOUT).topic_partitions
            }
            for answers in asked
            for group, answer in answers.items()
        }

    def _watched_record(self, message: ConsumerMessage) -> Received[Any] | None:
        name, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        key = (message.key() or b"").decode("utf-8", "replace")
        topic = self._topics[name]
        if name in self._states:
            checkpoint = self._decoded(message, topic) if key == CHECKPOINT_KEY else None
            if checkpoint is not None and isinstance(checkpoint.event, Checkpoint):
                self.handled[self._states[name]].update({(r.topic, r.partition): r.end for r in checkpoint.event.ranges})
            return None
        if not self._watched(key):
            return None
        self.ends[topic.name, partition] = offset + 1
        return None if topic.name in self._unread else self._decoded(message, topic)

    def _decoded(self, message: ConsumerMessage, topic: Topic) -> Received[Any] | None:
        if message.value() is None:
            return None
        try:
            return received_from(message, topic, self._codec)
        except InvalidEventError as error:
            self._skipped(topic, message, error)
            return None
