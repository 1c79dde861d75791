"""Halted groups, seen from outside: their next offsets are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupTopicPartitions
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.lost_ranges import Lost, lost_between
from edgeloop_readers.offsets import connected_admin, earliest_offsets, end_offsets

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Halted:
    """A partition that a service cannot read on.

    Attributes
    ----------
    service
        Whose input it is.
    lost
        What is gone.
    """

    service: str
    lost: Lost


class Groups:
    """Committed offsets of the services' groups.

    Parameters
    ----------
    settings
        Of the cluster.

    Raises
    ------
    KafkaException
        It cannot be reached.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._prefix = settings.topic_prefix
        self._admin = connected_admin(settings)

    def halted(self, services: Iterable[str]) -> list[Halted]:
        """Halted partitions of these services, and partitions that will halt once they run.

        Raises
        ------
        KafkaException
            The cluster does not tell.
        """
        found: list[Halted] = []
        for service in services:
            committed = self.committed(service)
            starts, ends = earliest_offsets(self._admin, committed), end_offsets(self._admin, committed)
            for place, position in sorted(committed.items()):
                lost = lost_between(place[0].removeprefix(self._prefix), place[1], position, (starts[place], ends[place]))
                if lost is not None:
                    found.append(Halted(service, lost))
        return found

    def committed(self, service: str) -> dict[Place, int]:
        """Committed offsets of a service's group, by topics' full names; partitions without one are left out."""
        group = ConsumerGroupTopicPartitions(f"{self._prefix}edgeloop-{service}")
        (answer,) = self._admin.list_consumer_group_offsets([group], request_timeout=_TIMEOUT_S).values()
        there = set(self._admin.list_topics(timeout=_TIMEOUT_S).topics)
        places = answer.result(_TIMEOUT_S).topic_partitions or ()
        return {(tp.topic, tp.partition): tp.offset for tp in places if tp.offset >= 0 and tp.topic in there}
