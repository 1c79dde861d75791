"""Consumer lag of a process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from edgeloop_contracts import Topic
from prometheus_client import Gauge

EVERY_MS = 5_000


class Lag:
    """Unhandled records by partition, from the consumer's statistics.

    Fetched records wait in one queue for all partitions. While that is empty, the offset of the next fetch is exact: unlike the offset
    of the last record, it is behind transaction markers.

    Parameters
    ----------
    inputs
        Topics by their full name.
    partitions
        Returns the partitions that the process has now.
    gauge
        The metric, by topic and partition.
    """

    def __init__(self, inputs: Mapping[str, Topic], partitions: Callable[[], Iterable[int]], gauge: Gauge) -> None:
        self._inputs = inputs
        self._partitions = partitions
        self._gauge = gauge

    def update(self, statistics: str) -> None:
        """Update the gauge from the client's statistics, which come every five seconds."""
        reported = json.loads(statistics)["topics"]
        self._gauge.clear()
        for name, partition in ((name, partition) for name in self._inputs for partition in self._partitions()):
            known = reported.get(name, {}).get("partitions", {}).get(str(partition))
            if known is None:
                continue
            place = known["app_offset"] if known["fetchq_cnt"] and known["app_offset"] >= 0 else known["next_offset"]
            if place >= 0 and known["hi_offset"] >= 0:
                self._gauge.labels(self._inputs[name].name, str(partition)).set(max(0, known["hi_offset"] - place))
