"""The library's clients on the logs of a cluster in memory instead of sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, KafkaException
from edgeloop_contracts import Topic
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.publisher import Publisher
from edgeloop_kafka.received_record import Place
from edgeloop_readers.follower import Follower
from edgeloop_readers.partition_reader import PartitionReader, RangeGoneError
from edgeloop_readers.range_reader import RangeReader
from edgeloop_readers.skipped_records import ignore_skipped

from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.testing.cluster import MemoryCluster
from edgeloop_streaming.testing.logs import number_of


class MemoryPartitionReader(PartitionReader):
    """Reads a cluster's logs. It never waits, since nothing comes meanwhile."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._next: dict[Place, int] = {}

    def assign(self, starts: Mapping[Place, int]) -> None:
        """See :meth:`PartitionReader.assign`."""
        first = {place: self._cluster.log(*place).start for place in starts}
        self._next = {place: first[place] if start == OFFSET_BEGINNING else start for place, start in starts.items()}

    def release(self) -> None:
        """See :meth:`PartitionReader.release`."""
        self._next = {}

    def partitions_of(self, topic: str) -> list[int]:
        """See :meth:`PartitionReader.partitions_of`."""
        try:
            return list(range(self._cluster.partitions_of(topic)))
        except KafkaException as error:
            raise LookupError(str(error)) from error

    def start(self, place: Place) -> int:
        """See :meth:`PartitionReader.start`."""
        return self._cluster.log(*place).start

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """See :meth:`PartitionReader.ends`."""
        return {place: self._cluster.log(*place).end for place in places}

    def poll(self, timeout: float) -> list[ConsumerMessage]:
        """Everything that was written since the last call."""
        del timeout
        logs = {place: self._cluster.log(*place) for place in self._next}
        for place, log in logs.items():
            if not log.start <= self._next[place] <= log.end:
                raise RangeGoneError(f"{place}: {self._next[place]} is not within {log.start} and {log.end}")
        entries = sorted((entry for place, log in logs.items() for entry in log.since(self._next[place])), key=number_of)
        self._next = {place: log.end for place, log in logs.items()}
        return [message for _, message in entries]

    def read_until(self, ends: Mapping[Place, int], handle: Callable[[ConsumerMessage], None], timeout: float = 60.0) -> None:
        """See :meth:`PartitionReader.read_until`; what is not there yet never comes."""
        del timeout
        for message in self.poll(0):
            handle(message)
        if any(self._next.get(place, 0) < end for place, end in ends.items()):
            raise TimeoutError(f"stood at {self._next} of {dict(ends)}")

    def cluster_id(self) -> str:
        """See :meth:`PartitionReader.cluster_id`."""
        return "memory"

    def close(self) -> None:
        """There is no connection."""


class MemoryRangeReader(RangeReader):
    """A reader of offset ranges."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._prefix = ""
        self._codec = cluster.codec
        self._skipped = ignore_skipped
        self._reader = MemoryPartitionReader(cluster)


class MemoryFollower(Follower):
    """A follower of whole topics."""

    def __init__(self, cluster: MemoryCluster, topics: Iterable[Topic]) -> None:
        self._codec = cluster.codec
        self._topics = {topic.name: topic for topic in topics}
        self._reader = MemoryPartitionReader(cluster)
        self._places = [(name, p) for name in self._topics for p in self._reader.partitions_of(name)]
        self._reader.assign(dict.fromkeys(self._places, OFFSET_BEGINNING))
        self._waiting = deque()
        self._before = None
        self._skipped = ignore_skipped


class MemoryPublisher(Publisher):
    """A producer without transactions."""

    def __init__(self, cluster: MemoryCluster, source: str) -> None:
        self._prefix = ""
        self._codec = cluster.codec
        self._source = source
        self._failed: list[str] = []
        self._producer = cast("Any", _Producer(cluster))


class _Producer:
    """The part of ``confluent_kafka.Producer`` that :class:`Publisher` needs."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._reports: list[Callable[[], None]] = []

    def produce(
        self, topic: str, value: bytes, key: bytes, headers: list[tuple[str, bytes]], on_delivery: Any, partition: int | None = None
    ) -> None:
        error, message = None, None
        try:
            message = self._cluster.produce(OutputRecord(topic, key, value, headers, partition))
        except KafkaException as refused:
            error = refused.args[0]
        self._reports.append(lambda: on_delivery(error, message))

    def poll(self, _: float) -> int:
        reports, self._reports = self._reports, []
        for report in reports:
            report()
        return len(reports)

    def flush(self, _: float) -> int:
        self.poll(0)
        return 0
