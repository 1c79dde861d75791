"""A consumer as a static member of its service's group: its configuration, and the errors among its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_streaming.halts import OVERTAKEN, Halts
from edgeloop_streaming.membership import is_fenced
from edgeloop_streaming.transactions import FencedError

_FATAL = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})


def configuration(settings: KafkaSettings, group: str, instance: str, **more: Any) -> dict[str, Any]:
    """Configuration of a consumer that commits by itself and never jumps.

    Parameters
    ----------
    group, instance
        Full names of the group and of the static member.
    more
        Further settings of librdkafka, with underscores for dots.
    """
    return {
        **settings.librdkafka(),
        "group.id": group,
        "group.instance.id": instance,
        "partition.assignment.strategy": "range",
        "session.timeout.ms": 6_000,
        "heartbeat.interval.ms": 1_500,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # partitions begin at their committed offsets, and never jump
        "isolation.level": "read_committed",
        **{name.replace("_", "."): value for name, value in more.items()},
    }


def is_record(message: ConsumerMessage, halts: Halts, log: Any, at_end: Callable[[Place, int], None] = lambda *_: None) -> bool:
    """Whether a consumer's message is a record; an error among the messages is dealt with.

    Parameters
    ----------
    halts
        Told of partitions that the client has given up.
    at_end
        Called with a partition and the offset at which it ends.

    Raises
    ------
    FencedError
        Another process has this member's name.
    KafkaException
        A topic, or the right to read it, is missing.
    """
    error = message.error()
    if error is None:
        return True
    place = (message.topic(), message.partition())
    if error.code() == KafkaError._PARTITION_EOF:
        at_end(place, message.offset())
    elif error.code() in OVERTAKEN:
        halts.overtaken(place)
    elif is_fenced(error):
        raise FencedError(error.str())
    elif error.code() in _FATAL:
        raise KafkaException(error)
    else:
        log.warning("consumer", error=error.str())
    return False
