"""Skipped records: no events, from topics that are not inputs; they are counted, logged once, and become dead letters if the service has
any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from confluent_kafka import KafkaException
from edgeloop_contracts import Topic, topics
from edgeloop_errors import EdgeloopError, InvalidEventError
from edgeloop_kafka.codec import UnknownKindError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.dead_letters import KEY_CHARACTERS, letter_of
from edgeloop_kafka.publisher import Publisher
from edgeloop_kafka.received_record import cause_of
from prometheus_client import CollectorRegistry, Counter

MOST_REMEMBERED = 10_000
WRITING_S = 2.0


class SkipListener(Protocol):
    """Told of each record that is left out, such as :class:`edgeloop_readers.skipped_records.SkippedRecords`."""

    def __call__(self, topic: Topic, message: ConsumerMessage, error: InvalidEventError, *, fresh: bool = True) -> None:
        """Take note of it; ``fresh`` is false where it lay there before this process began to follow."""
        ...


def ignore_skipped(topic: Topic, message: ConsumerMessage, error: InvalidEventError, *, fresh: bool = True) -> None:
    """Take no note: for who shows what he reads himself."""
    del topic, message, error, fresh


class SkippedRecords:
    """Records that a process left out of topics that it follows or reads by offset: definitions, policies, chunks, examples.

    Parameters
    ----------
    service
        Name of the process.
    log, registry
        Of the process.
    publisher
        Makes a producer, once it is needed.
    """

    def __init__(self, service: str, log: Any, registry: CollectorRegistry, publisher: Callable[[], Publisher]) -> None:
        self._service = service
        self._log = log
        self._publisher = publisher
        self._opened: Publisher | None = None
        self._letters = topics.dead_letters(service) if service in topics.STATE_KINDS else None
        self._known: dict[tuple[str, int, int], None] = {}
        # Records that this process follows besides its inputs and could not read, each once.
        self._skipped = Counter(
            "edgeloop_side_records_skipped", "Records beside the inputs that are no events", ["topic", "reason"], registry=registry
        )

    def __call__(self, topic: Topic, message: ConsumerMessage, error: InvalidEventError, *, fresh: bool = True) -> None:
        """Take note of a record that is left out; the first time that this process sees it."""
        place = topic.name, message.partition(), message.offset()
        if place in self._known:
            return
        while len(self._known) >= MOST_REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[place] = None
        self._skipped.labels(topic.name, error.reason).inc()
        self._log.warning("skipped", at=f"{topic.name}/{message.partition()}/{message.offset()}", reason=error.reason, error=str(error))
        # What lay there when this process began may have its letter already, from the process before.
        if fresh and self._letters is not None and not isinstance(error, UnknownKindError):
            self._bury(self._letters, topic, message, error)

    def _bury(self, letters: Topic, topic: Topic, message: ConsumerMessage, error: InvalidEventError) -> None:
        letter = letter_of(self._service, topic, message, error.reason, error.message)
        try:
            if self._opened is None:
                self._opened = self._publisher()
            key = letter.key.decode("utf-8", "replace")[:KEY_CHARACTERS]
            self._opened.publish(letters, key, letter, cause=cause_of(message, topic))
            left = self._opened.flush(WRITING_S)
        except (KafkaException, EdgeloopError, ValueError) as failed:
            self._log.warning("no dead letter", error=str(failed))
        else:
            if left:
                self._log.warning("no dead letter yet", error=f"the broker did not take it within {WRITING_S:.0f} s")
