"""Dead letters, and the records in them when they come back."""

from __future__ import annotations

from typing import Any

from confluent_kafka import TIMESTAMP_CREATE_TIME
from edgeloop_contracts import DeadLetter, Redrive, Topic
from edgeloop_contracts.texts import cut

from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import headers_of

MOST_BYTES = 5 << 19  # of key, value, headers and texts together, so that letter and redrive stay below what their topics take
CUT_BYTES = 64 << 10
CUT_HEADERS = 32
CUT_HEADER_BYTES = 256
KEY_CHARACTERS = 512
REASON_CHARACTERS = 64


def letter_of(service: str, topic: Topic, message: ConsumerMessage, reason: str, text: str, redriven: str | None = None) -> DeadLetter:
    """The dead letter of a record. It fits its topic whatever comes: what a producer compresses may be far larger than a broker's limit.

    Parameters
    ----------
    service
        Who could not handle it.
    topic
        Of the record, which may be one that came back.
    reason, text
        Why not.
    redriven
        Place of the letter that it came back from.
    """
    key, value, headers = message.key() or b"", message.value(), headers_of(message)
    size = len(value or b"")
    shortened = len(key) + size + sum(len(name) * 4 + len(held) + 8 for name, held in headers.items()) > MOST_BYTES
    if shortened:
        key, value = key[:CUT_BYTES], (value or b"")[:CUT_BYTES]
        headers = {name[:CUT_HEADER_BYTES]: held[:CUT_HEADER_BYTES] for name, held in list(headers.items())[:CUT_HEADERS]}
    return DeadLetter(
        service=service,
        topic=topic.name,
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        key=key,
        value=value,
        headers=headers,
        reason=reason[:REASON_CHARACTERS],
        message=cut(text),
        cut=shortened,
        value_size=None if value is None else size,
        redriven=redriven,
    )


class RedrivenMessage:
    """The record in a redrive, as its consumer got it first.

    Parameters
    ----------
    redrive
        What came back.
    prefix
        Heads the topic's name, as in the process.
    """

    def __init__(self, redrive: Redrive, prefix: str) -> None:
        self._redrive = redrive
        self._topic = prefix + redrive.topic

    def error(self) -> None:
        """See :class:`Consumed`, as for all others."""

    def topic(self) -> str:
        """Part of its original place."""
        return self._topic

    def partition(self) -> int:
        """Part of its original place."""
        return self._redrive.partition

    def offset(self) -> int:
        """Part of its original place."""
        return self._redrive.offset

    def key(self) -> Any:
        """Its key."""
        return self._redrive.key

    def value(self) -> Any:
        """Its value."""
        return self._redrive.value

    def headers(self) -> Any:
        """Its headers."""
        return list(self._redrive.headers.items())

    def timestamp(self) -> tuple[int, int]:
        """When it was written."""
        return TIMESTAMP_CREATE_TIME, self._redrive.timestamp
