"""Paused partitions: they wait until their next record can be handled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from edgeloop_errors import RetryableError
from edgeloop_kafka.consumer_message import ConsumerMessage

from edgeloop_streaming.tasks import BackpressureError

RETRY_S = 0.5
Place = tuple[str, int]


def ready_again(error: RetryableError, log: Any) -> Callable[[], bool]:
    """Condition for another attempt: the one that backpressure names, else half a second."""
    if isinstance(error, BackpressureError):
        return error.ready
    log.warning("cannot be handled yet", error=str(error), kind=type(error).__name__)
    retry = time.monotonic() + RETRY_S
    return lambda: time.monotonic() > retry


class PausedPartitions:
    """Partitions of a consumer that are paused, and the conditions for resuming them.

    Invariant: the next message of a resumed partition is the record that it was paused for.

    Parameters
    ----------
    consumer
        Consumer of the partitions.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._ready: dict[Place, Callable[[], bool]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._ready

    @property
    def places(self) -> set[Place]:
        """All paused partitions."""
        return set(self._ready)

    def pause(self, message: ConsumerMessage, ready: Callable[[], bool]) -> None:
        """Pause a record's partition. The record comes again once ``ready()``, see :meth:`resume_ready`."""
        place = TopicPartition(message.topic(), message.partition(), message.offset())
        self._consumer.pause([place])
        try:
            self._consumer.seek(place)
        except KafkaException as error:
            # Retention has deleted the record: the client has given the partition up, and reports that with the next messages.
            if error.args[0].code() != KafkaError._STATE:
                raise
        self._ready[message.topic(), message.partition()] = ready

    def resume_ready(self) -> None:
        """Resume the partitions whose condition holds."""
        self._resume([place for place, ready in self._ready.items() if ready()])

    def release(self) -> None:
        """Resume all partitions before they are revoked or assigned anew: librdkafka keeps a pause over an assignment."""
        self._resume([*self._ready])

    def _resume(self, places: list[Place]) -> None:
        if places:
            self._consumer.resume([TopicPartition(*place) for place in places])
        for place in places:
            del self._ready[place]
