"""The type of a topic: its name, events, key, partitions, retention, cleanup and producing service."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from edgeloop_contracts.event import Event
from edgeloop_contracts.key_forms import KeyForm

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FOREVER = -1

CLEANED_OFTEN = {"min.cleanable.dirty.ratio": "0.2", "segment.bytes": str(16 << 20), "segment.ms": str(HOUR)}
"""Of topics that are written constantly while few records remain valid. Early cleaning keeps a full read short."""
FOR_ANYBODY = {"compression.type": "uncompressed"}
"""Of topics for other programs. Our producers send LZ4, which librdkafka and Java read; kafkajs, aiokafka and kafka-python need further packages."""


class Partitions(StrEnum):
    """Number of partitions of a topic.

    All ``MANY`` topics have the same count, so that a service's inputs are co-partitioned; the count is fixed when a
    topic is created.
    """

    ONE = "one"
    MANY = "many"


E = TypeVar("E", bound=Event)
K = TypeVar("K", bound=str)


@dataclass(frozen=True, kw_only=True)  # slots and type arguments do not go together in Python 3.11
class Topic(Generic[E, K]):
    """One Kafka topic, of events ``E`` with keys ``K``.

    Attributes
    ----------
    name
        Name without the prefix of the settings.
    kinds
        Event types that it carries. One type uses the subject ``<topic>-value``, several use ``<topic>-<record>``.
    producer
        The one service that writes it; ``""`` for raw input and commands, which anybody may write.
    key
        Form of its keys.
    retention_ms
        Age at which records are deleted, milliseconds; ``FOREVER`` keeps them.
    compacted
        True if only the newest record of each key is kept.
    log_append_time
        True if the broker sets the record time, since a device's clock may be wrong by years.
    max_bytes
        Largest record that a reader takes; the broker takes twice that.
    """

    name: str
    kinds: tuple[type[E], ...]
    producer: str
    key: KeyForm[E, K]
    partitions: Partitions = Partitions.MANY
    retention_ms: int = 7 * DAY
    compacted: bool = False
    log_append_time: bool = False
    max_bytes: int = 1 << 20
    config: dict[str, str] = field(default_factory=dict[str, str])

    def key_of(self, event: E) -> K:
        """Key of an event in this topic.

        Raises
        ------
        TypeError
            Events of this topic do not determine their keys.
        """
        if self.key.of is None:
            raise TypeError(f"{self.name}: keys are {self.key.text}, which its events do not determine")
        return self.key.of(event)

    def subject(self, kind: type[Event]) -> str:
        """Subject of the schema of ``kind`` in this topic."""
        return f"{self.name}-value" if len(self.kinds) == 1 else f"{self.name}-{kind.FULLNAME}"
