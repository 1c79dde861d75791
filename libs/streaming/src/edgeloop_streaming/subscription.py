"""At-least-once consumption for effects outside Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from edgeloop_contracts import Topic
from edgeloop_contracts.topics import GAPS, SKIPS
from edgeloop_errors import InvalidEventError, RetryableError
from edgeloop_kafka.codec import Codec, UndecodableError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.publisher import Publisher
from edgeloop_kafka.received_record import RECORD_ERRORS, Place, Received, received_from
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_readers.follower import Follower
from edgeloop_readers.lost_ranges import gap_of
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_readers.skipped_records import SkipListener, ignore_skipped
from edgeloop_readers.table import Table
from prometheus_client import CollectorRegistry

from edgeloop_streaming.group_consumer import configuration, is_record
from edgeloop_streaming.halts import Halts
from edgeloop_streaming.membership import is_fenced
from edgeloop_streaming.paused_partitions import PausedPartitions, ready_again
from edgeloop_streaming.telemetry import halted_gauge
from edgeloop_streaming.transactions import FencedError

COMMITTED_S = 10.0


class Subscription:
    """Records of some topics, each committed after it was handled.

    It is for effects that cannot join a transaction. The last record may come twice, so its effect must be idempotent.

    Invariants
    ----------
    - The committed offset is the one after the last handled or skipped record; it never jumps.
    - A record that waits holds its partition alone.

    Parameters
    ----------
    settings, codec, log, metrics
        As of the process.
    name
        Name of the service, hence of its group.
    topics
        Topics to read, from the beginning if the group is new.
    skipped
        Listener for records that are no events.

    Attributes
    ----------
    beat
        Time of the loop's last turn, by :func:`time.monotonic`.
    assigned
        Whether the group has given this process its partitions.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        codec: Codec,
        log: Any,
        name: str,
        topics: Iterable[Topic],
        skipped: SkipListener = ignore_skipped,
        metrics: CollectorRegistry | None = None,
    ) -> None:
        self._settings = settings
        self._name = name
        self._codec = codec
        self._log = log
        self._topics = {settings.topic_prefix + topic.name: topic for topic in topics}
        self.beat = time.monotonic()
        self.assigned = False
        self._skipped = skipped
        group = f"{settings.topic_prefix}edgeloop-{name}"
        self._consumer = Consumer(configuration(settings, group, f"{group}-{settings.instance}", queued_max_messages_kbytes=16_384))
        self._paused = PausedPartitions(self._consumer)
        self._next: dict[Place, int] = {}
        self._reader = PartitionReader(settings, wait_ms=5)
        gauge = halted_gauge(metrics or CollectorRegistry())
        self._halts = Halts(name, settings.topic_prefix, self._reader.span, self._skips, gauge, log)

    def run(self, handle: Callable[[Received[Any]], None], stopping: Callable[[], bool]) -> None:
        """Hand over one record after another until ``stopping()``.

        ``handle`` returns once a record's effect is safe. A :class:`RetryableError` pauses the partition, and the same record comes
        again. An error that the record provokes skips it. Any other error ends this, with nothing of the record committed.

        Raises
        ------
        FencedError
            Another process of the same name took over.
        KafkaException
            A topic or the right to read it is missing.
        """
        self._consumer.subscribe(list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke)
        try:
            while not stopping():
                self.beat = time.monotonic()
                self._paused.resume_ready()
                message = cast("ConsumerMessage | None", self._consumer.poll(0.2))
                if message is not None and self._is_due(message):
                    self._handle(message, handle)
                if self._halts.check(self._next.get):
                    self._reassign()
                self._skip()
        finally:
            self._consumer.close()
            self._reader.close()

    def _handle(self, message: ConsumerMessage, handle: Callable[[Received[Any]], None]) -> None:
        place = (str(message.topic()), int(message.partition() or 0))
        try:
            if message.value() is not None:
                handle(received_from(message, self._topics[place[0]], self._codec))
        except RetryableError as error:
            self._paused.pause(message, ready_again(error, self._log))
            return
        except InvalidEventError as error:
            self._skipped(self._topics[place[0]], message, error)
        except RECORD_ERRORS as error:  # it would come again and again
            self._skipped(self._topics[place[0]], message, UndecodableError("UNHANDLED", repr(error)))
        self._commit(place, int(message.offset() or 0) + 1)

    def _commit(self, place: Place, offset: int) -> None:
        self._next[place] = offset
        try:
            self._consumer.commit(offsets=[TopicPartition(*place, offset)], asynchronous=False)
        except KafkaException as error:
            if is_fenced(error.args[0]):
                raise FencedError(str(error)) from error
            self._log.warning("not committed: the record may come again", error=str(error))

    def _skip(self) -> None:
        """Continue behind lost records where a skip allows it. A kill between event and commit writes the same event again."""
        for place, record in self._halts.allowed():
            skip = record.event
            publisher = Publisher(self._settings, self._codec, self._name)
            try:
                gap = gap_of(skip)
                publisher.publish(GAPS, GAPS.key_of(gap), gap, cause=record.cause)
            except RetryableError as error:
                self._log.warning("cannot skip yet", error=str(error))
                return
            if publisher.flush() or publisher.failures():
                self._log.warning("the gap was not written yet", at=f"{place[0]}/{place[1]}")
                return
            self._commit(place, skip.end)
            self._halts.release(place)
            self._log.warning("continues behind lost records", at=f"{place[0]}/{place[1]}/{skip.end}", who=skip.who)
            self._reassign()

    def _skips(self) -> Table:
        return Table(Follower(self._settings, self._codec, [SKIPS]))

    def _reassign(self) -> None:
        """Read every partition from its next offset, or its beginning: the client does not seek in one that it has given up."""
        places = [(tp.topic, tp.partition) for tp in self._consumer.assignment()]
        self._consumer.assign([TopicPartition(*place, self._next.get(place, OFFSET_BEGINNING)) for place in places])

    def _is_due(self, message: ConsumerMessage) -> bool:
        place = (message.topic(), message.partition())
        return is_record(message, self._halts, self._log) and place not in self._paused and place not in self._halts

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # If the committed offsets cannot be read, the error ends the process: a guess would lose or repeat records.
        committed = consumer.committed(partitions, timeout=COMMITTED_S) if partitions else []
        self._reset()
        self._next = {(tp.topic, tp.partition): tp.offset for tp in committed if tp.offset >= 0}
        consumer.assign(
            [TopicPartition(tp.topic, tp.partition, self._next.get((tp.topic, tp.partition), OFFSET_BEGINNING)) for tp in partitions]
        )
        self.assigned = True
        self._log.info("assigned", partitions=sorted(tp.partition for tp in partitions))

    def _on_revoke(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._reset()
        self.assigned = False

    def _reset(self) -> None:
        self._paused.release()
        self._halts.clear()
