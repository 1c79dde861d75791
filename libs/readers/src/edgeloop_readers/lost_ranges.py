"""Ranges of records that retention deleted before a service handled them."""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_contracts import Gap, Skip


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that are gone.

    Attributes
    ----------
    topic, partition
        Where; the topic without the settings' prefix.
    first, end
        Where the service stands, and the oldest offset that is left. ``end`` is the smaller one where the topic was made anew.
    """

    topic: str
    partition: int
    first: int
    end: int

    @property
    def count(self) -> int:
        """Number of offsets, those of transaction markers included; at least one."""
        return max(self.end - self.first, 1)

    def __str__(self) -> str:
        if self.end > self.first:
            return f"{self.topic}/{self.partition}, offsets {self.first} to {self.end - 1}"
        return f"{self.topic}/{self.partition} from offset {self.first} on: the topic ends before, so it is another one than was read"


def lost_between(topic: str, partition: int, position: int, span: tuple[int, int]) -> Lost | None:
    """Lost offsets of a reader at ``position`` in a partition whose ``span`` is its oldest offset and the one after its last."""
    start, end = span
    return None if start <= position <= end else Lost(topic, partition, position, start)


def gap_of(skip: Skip) -> Gap:
    """The event of a skip that was carried out."""
    return Gap(service=skip.service, topic=skip.topic, partition=skip.partition, first=skip.first, end=skip.end, who=skip.who, why=skip.why)
