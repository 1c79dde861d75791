"""Output records of a service: effects, dead letters, gaps and state as bytes with headers."""

from __future__ import annotations

import time
from typing import Any

from edgeloop_contracts import Cause, Event, Topic, topics
from edgeloop_kafka.causation import event_headers, trace_of
from edgeloop_kafka.codec import Codec, body
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.dead_letters import KEY_CHARACTERS, letter_of
from edgeloop_kafka.received_record import Received, cause_of, headers_of
from edgeloop_readers.lost_ranges import gap_of

from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.tasks import Forward, Send


class OutputEncoder:
    """Encodes what a service writes.

    Invariant: every event names its cause, and a repeated event has the same id.

    Parameters
    ----------
    service
        Name of the service.
    codec, prefix
        As of the process.
    """

    def __init__(self, service: str, codec: Codec, prefix: str) -> None:
        self._service = service
        self._codec = codec
        self._prefix = prefix
        self._state_topic = topics.state(service)
        self._dead_letters = topics.dead_letters(service)

    def event(
        self, topic: Topic, key: str, event: Event, cause: Cause | None, trace: str = "", partition: int | None = None
    ) -> OutputRecord:
        """An event."""
        encoded = body(event)
        headers = event_headers(
            event, source=self._service, key=key, body=encoded, cause=cause, trace=trace, time_ms=int(time.time() * 1000)
        )
        value = self._codec.framed(topic, type(event), encoded)
        return OutputRecord(self._prefix + topic.name, key.encode(), value, list(headers.items()), partition)

    def sent(self, send: Send, received: Received[Any] | None) -> OutputRecord:
        """An effect; ``received`` is its cause unless the effect names another one."""
        if send.event is None:
            return OutputRecord(self._prefix + send.topic.name, send.key.encode(), None, [], send.partition)
        cause = send.cause or (received.cause if received else None)
        trace = trace_of(received.headers, received.correlation) if received and cause and cause.id == received.id else ""
        return self.event(send.topic, send.key, send.event, cause, trace, send.partition)

    def forwarded(self, forward: Forward, message: ConsumerMessage) -> OutputRecord:
        """The handled record itself, bytes and headers unchanged."""
        headers = list((headers_of(message) | dict(forward.headers)).items())
        return OutputRecord(self._prefix + forward.topic.name, forward.key.encode(), message.value(), headers, forward.partition)

    def dead_letter(
        self, topic: Topic, message: ConsumerMessage, reason: str, text: str, partition: int, redriven: str = ""
    ) -> OutputRecord:
        """A record that cannot be handled, with the reason."""
        letter = letter_of(self._service, topic, message, reason, text, redriven)
        key = letter.key.decode("utf-8", "replace")[:KEY_CHARACTERS]
        return self.event(self._dead_letters, key, letter, cause_of(message, topic), partition=partition)

    def gap(self, skip: Received[Any]) -> tuple[str, int, OutputRecord]:
        """Topic and end of the gap that a skip allows, and its event."""
        gap = gap_of(skip.event)
        return gap.topic, gap.end, self.event(topics.GAPS, topics.GAPS.key_of(gap), gap, skip.cause)

    def state(self, key: str, event: Event | None, partition: int) -> OutputRecord:
        """A record of the state topic; ``None`` deletes its key."""
        value = None if event is None else self._codec.encode(self._state_topic, event)
        return OutputRecord(self._prefix + self._state_topic.name, key.encode(), value, [], partition)
