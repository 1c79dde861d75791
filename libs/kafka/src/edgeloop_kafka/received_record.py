"""Decoded records, with their place and their cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from edgeloop_contracts import Cause, Event, Topic
from edgeloop_errors import InvalidError

from edgeloop_kafka.causation import identify
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage

E_co = TypeVar("E_co", bound=Event, covariant=True)

Place = tuple[str, int]

# What is raised at a record that is well-formed and makes no sense. All else (a disk, a broker, memory) ends the process.
RECORD_ERRORS = (InvalidError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Received(Generic[E_co]):
    """One record, decoded.

    Attributes
    ----------
    event
        The typed event.
    topic, partition, offset, timestamp, key
        Where and when it lies; the topic without the settings' prefix, the timestamp in milliseconds.
    id, correlation
        CloudEvents id of the event and of the chain that it belongs to. Derived from its place where the producer gave none.
    headers
        All headers as they came.
    raw
        The value's original bytes.
    """

    event: E_co
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str
    id: str
    correlation: str
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    raw: bytes = b""

    @property
    def at(self) -> str:
        """Place of the record: ``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def cause(self) -> Cause:
        """The record as the cause of another."""
        return Cause(id=self.id, correlation=self.correlation, at=self.at)


def received_from(message: ConsumerMessage, topic: Topic, codec: Codec) -> Received[Any]:
    """Decode a Kafka message; see :meth:`Codec.decode` for what it raises."""
    headers = headers_of(message)
    place = f"{topic.name}/{message.partition()}/{message.offset()}"
    value = message.value() or b""
    event = codec.decode(topic, value, headers)
    event_id, correlation = identify(headers, place)
    key = (message.key() or b"").decode("utf-8", "replace")
    return Received(
        event, topic.name, message.partition(), message.offset(), message.timestamp()[1], key, event_id, correlation, headers, value
    )


def cause_of(message: ConsumerMessage, topic: Topic) -> Cause:
    """A Kafka message as the cause of an event; the same as ``received_from(…).cause``, without decoding."""
    place = f"{topic.name}/{message.partition()}/{message.offset()}"
    event_id, correlation = identify(headers_of(message), place)
    return Cause(id=event_id, correlation=correlation, at=place)


def headers_of(message: ConsumerMessage) -> dict[str, bytes]:
    """Headers as a mapping: the last of repeated names counts, and one header that is no text voids all."""
    try:
        given = message.headers() or ()
    except UnicodeDecodeError:  # the client decodes names, whatever they are
        return {}
    return {name: (value.encode() if isinstance(value, str) else value or b"") for name, value in given}
