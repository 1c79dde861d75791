"""Reading for a group at least once, by a process whose effects lie outside Kafka."""

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
    """Records of some topics, each committed once it has been handled: after a crash the last one comes again.

    For effects that cannot join a transaction; whoever handles records makes a repeat change nothing.

    Parameters
    ----------
    settings, codec, log, metrics
        As of the process.
    name
        Of the service, hence of its group.
    topics
        What to read, from the beginning if the group is new.
    skipped
        Told of each record that is no event; it is passed.

    Attributes
    ----------
    beat
        When the loop last turned, by :func:`time.monotonic`.
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

        ``handle`` returns once a record's effect is safe, or raises :class:`BackpressureError`: then its partition pauses, and the same
        record comes again. Whatever else it raises ends this, with nothing of the record committed.

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
                self._paused.go_on()
                message = cast("ConsumerMessage | None", self._consumer.poll(0.2))
                if message is not None and self._good(message):
                    self._take(message, handle)
                if self._halts.look(self._next.get):
                    self._read_on()
                self._go_on()
        finally:
            self._consumer.close()
            self._reader.close()

    def _take(self, message: ConsumerMessage, handle: Callable[[Received[Any]], None]) -> None:
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

    def _go_on(self) -> None:
        """Go on behind lost records where a person says so; killed between event and commit, the same event is written again."""
        for place, record in self._halts.decided():
            skip = record.event
            publisher = Publisher(self._settings, self._codec, self._name)
            try:
                gap = gap_of(skip)
                publisher.publish(GAPS, GAPS.key_of(gap), gap, cause=record.cause)
            except RetryableError as error:
                self._log.warning("cannot skip yet", error=str(error))
                return
            if publisher.flush() or publisher.failures():
                self._log.warning("the gap could not be told yet", at=f"{place[0]}/{place[1]}")
                return
            self._commit(place, skip.end)
            self._halts.release(place)
            self._log.warning("goes on behind lost records", at=f"{place[0]}/{place[1]}/{skip.end}", who=skip.who)
            self._read_on()

    def _skips(self) -> Table:
        return Table(Follower(self._settings, self._codec, [SKIPS]))

    def _read_on(self) -> None:
        """Read every partition from where the group is, the first ones from their beginning: the client seeks in none that it gave up."""
        places = [(tp.topic, tp.partition) for tp in self._consumer.assignment()]
        self._consumer.assign([TopicPartition(*place, self._next.get(place, OFFSET_BEGINNING)) for place in places])

    def _good(self, message: ConsumerMessage) -> bool:
        place = (message.topic(), message.partition())
        return is_record(message, self._halts, self._log) and place not in self._paused and place not in self._halts

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Where it is not known where the group stands, the error ends the process, which comes back: to guess would lose or repeat.
        committed = consumer.committed(partitions, timeout=COMMITTED_S) if partitions else []
        self._forget()
        self._next = {(tp.topic, tp.partition): tp.offset for tp in committed if tp.offset >= 0}
        consumer.assign(
            [TopicPartition(tp.topic, tp.partition, self._next.get((tp.topic, tp.partition), OFFSET_BEGINNING)) for tp in partitions]
        )
        self.assigned = True
        self._log.info("assigned", partitions=sorted(tp.partition for tp in partitions))

    def _on_revoke(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._forget()
        self.assigned = False

    def _forget(self) -> None:
        self._paused.release()
        self._halts.clear()
