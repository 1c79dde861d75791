"""Reading for a group at least once, by a process whose effects lie outside Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from edgeloop_contracts import Topic

from edgeloop_streaming.codec import Codec, UndecodableError, UnknownKindError
from edgeloop_streaming.consumed import Consumed
from edgeloop_streaming.membership import is_fenced
from edgeloop_streaming.messages import Backpressure, Received
from edgeloop_streaming.partitions import Telling, received_from, untold
from edgeloop_streaming.pausing import Paused
from edgeloop_streaming.registry import RegistryUnavailable
from edgeloop_streaming.settings import KafkaSettings
from edgeloop_streaming.transactions import FencedError

REGISTRY_RETRY_S = 0.5
_FATAL = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})

Place = tuple[str, int]


class Subscription:
    """Records of some topics, each committed once it has been handled: after a crash the last one comes again.

    For effects that cannot join a transaction; whoever handles records makes a repeat change nothing.

    Parameters
    ----------
    settings, codec, log
        As of the process.
    name
        Of the service, hence of its group.
    topics
        What to read, from the beginning if the group is new.
    overlooked
        Told of each record that is no event; it is passed.

    Attributes
    ----------
    beat
        When the loop last turned, by :func:`time.monotonic`.
    assigned
        Whether the group has given this process its partitions.
    """

    def __init__(
        self, settings: KafkaSettings, codec: Codec, log: Any, name: str, topics: Iterable[Topic], overlooked: Telling = untold
    ) -> None:
        self._codec = codec
        self._log = log
        self._topics = {settings.topic_prefix + topic.name: topic for topic in topics}
        self.beat = time.monotonic()
        self.assigned = False
        self._overlooked = overlooked
        group = f"{settings.topic_prefix}edgeloop-{name}"
        self._consumer = Consumer(
            {
                **settings.librdkafka(),
                "group.id": group,
                "group.instance.id": f"{group}-{settings.instance}",
                "partition.assignment.strategy": "range",
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 1_500,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "queued.max.messages.kbytes": 16_384,
            }
        )
        self._paused = Paused(self._consumer)

    def run(self, handle: Callable[[Received[Any]], None], stopping: Callable[[], bool]) -> None:
        """Hand over one record after another until ``stopping()``.

        ``handle`` returns once a record's effect is safe, or raises :class:`Backpressure`: then its partition pauses, and the same
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
                message = cast("Consumed | None", self._consumer.poll(0.2))
                if message is not None and self._good(message):
                    self._take(message, handle)
        finally:
            self._consumer.close()

    def _take(self, message: Consumed, handle: Callable[[Received[Any]], None]) -> None:
        place = (str(message.topic()), int(message.partition() or 0))
        try:
            if message.value() is not None:
                handle(received_from(message, self._topics[place[0]], self._codec))
        except Backpressure as pressure:
            self._paused.pause(message, pressure.ready)
            return
        except RegistryUnavailable as error:
            self._log.warning("registry unavailable", error=str(error))
            retry = time.monotonic() + REGISTRY_RETRY_S
            self._paused.pause(message, lambda: time.monotonic() > retry)
            return
        except (UndecodableError, UnknownKindError) as error:
            self._overlooked(self._topics[place[0]], message, error)
        try:
            self._consumer.commit(offsets=[TopicPartition(*place, int(message.offset() or 0) + 1)], asynchronous=False)
        except KafkaException as error:
            if is_fenced(error.args[0]):
                raise FencedError(str(error)) from error
            self._log.warning("not committed: the record may come again", error=str(error))

    def _good(self, message: Consumed) -> bool:
        error = message.error()
        if error is None:
            return (message.topic(), message.partition()) not in self._paused
        if is_fenced(error):
            raise FencedError(error.str())
        if error.code() in _FATAL:
            raise KafkaException(error)
        self._log.warning("consumer", error=error.str())
        return False

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.assigned = True
        self._log.info("assigned", partitions=sorted(tp.partition for tp in partitions))

    def _on_revoke(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._paused.release()
        self.assigned = False
