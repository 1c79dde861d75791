"""How far a process is behind its input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from edgeloop_contracts import Topic
from prometheus_client import Gauge

EVERY_MS = 5_000


class Lag:
    """Shows how far behind a process is, from its consumer's statistics.

    What is fetched waits in one queue for all partitions. Once that is empty, the place of the next fetch is exact; it has passed
    transaction markers, which the place of the last record taken has not.

    Parameters
    ----------
    inputs
        Topics by their full name.
    partitions
        Gives the partitions that the process has now.
    gauge
        Shows it, by topic and partition.
    """

    def __init__(self, inputs: Mapping[str, Topic], partitions: Callable[[], Iterable[int]], gauge: Gauge) -> None:
        self._inputs = inputs
        self._partitions = partitions
        self._gauge = gauge

    def take(self, statistics: str) -> None:
        """Take what the client tells every five seconds."""
        told = json.loads(statistics)["topics"]
        self._gauge.clear()
        for name, partition in ((name, partition) for name in self._inputs for partition in self._partitions()):
            known = told.get(name, {}).get("partitions", {}).get(str(partition))
            if known is None:
                continue
            place = known["app_offset"] if known["fetchq_cnt"] and known["app_offset"] >= 0 else known["next_offset"]
            if place >= 0 and known["hi_offset"] >= 0:
                self._gauge.labels(self._inputs[name].name, str(partition)).set(max(0, known["hi_offset"] - place))
