"""The broker in memory that tests use: a cluster with the clients of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from edgeloop_contracts import Policy, Topic, topics
from edgeloop_kafka.publisher import Publisher
from edgeloop_readers.follower import Follower
from edgeloop_readers.latest_records import LatestRecords
from edgeloop_readers.policies import Policies
from edgeloop_readers.range_reader import RangeReader
from edgeloop_readers.table import Table
from prometheus_client import CollectorRegistry

from edgeloop_streaming.testing.clients import MemoryFollower, MemoryPartitionReader, MemoryPublisher, MemoryRangeReader
from edgeloop_streaming.testing.cluster import MemoryCluster

T = TypeVar("T")


class MemoryBroker(MemoryCluster):
    """A cluster in memory that gives the same clients as ``Context``.

    :class:`~edgeloop_streaming.testing.MemoryLoop` runs a service on it, step by step.

    Examples
    --------
    >>> from edgeloop_contracts import Label
    >>> broker = MemoryBroker()
    >>> _ = broker.publisher("me").publish(topics.LABELS_RAW, "acme/pumps/p1", Label(tenant="default", stream="", device_id="", label="ok"), partition=2)
    >>> [record.event.label for record in broker.reader().read(topics.LABELS_RAW, 2, 0, 1)]
    ['ok']
    """

    def reader(self) -> RangeReader:
        """A reader of offset ranges."""
        return MemoryRangeReader(self)

    def follower(self, followed: Iterable[Topic]) -> Follower:
        """A follower of whole topics."""
        return MemoryFollower(self, followed)

    def table(self, topic: Topic) -> Table:
        """The newest record of each key of a topic."""
        return Table(self.follower([topic]))

    def latest_records(self, topic: Topic) -> LatestRecords:
        """Newest records of a topic's keys."""
        return LatestRecords(MemoryPartitionReader(self), self.codec, "", topic)

    def policies(self, settings: T, taken: Callable[[T, Policy], T]) -> Policies[T]:
        """Policies in force for a service's streams; counts and logs as in a process."""
        return Policies(self.table(topics.POLICIES), settings, taken, CollectorRegistry(), structlog.get_logger())

    def publisher(self, source: str) -> Publisher:
        """A producer without transactions."""
        return MemoryPublisher(self, source)
