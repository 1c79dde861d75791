"""Activity of each stream since the last heartbeat: requests, rows, failures, latencies."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from edgeloop_inference.core.latencies import Latencies


@dataclass(slots=True)
class Counts:
    """Counts of one stream.

    Attributes
    ----------
    requests, rows, failed
        Requests, failed ones included; answered rows; failed requests.
    latencies
        Of answered requests.
    """

    requests: int = 0
    rows: int = 0
    failed: int = 0
    latencies: Latencies = field(default_factory=Latencies)


class StreamActivity:
    """Activity of a device; any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counts] = {}

    def answered(self, stream: str, rows: int, seconds: float) -> None:
        """Count an answered request."""
        with self._lock:
            counts = self._counts.setdefault(stream, Counts())
            counts.requests += 1
            counts.rows += rows
            counts.latencies.add(1000 * seconds)

    def failed(self, stream: str) -> None:
        """Count a request that the device could not answer, though nothing was wrong with it."""
        with self._lock:
            counts = self._counts.setdefault(stream, Counts())
            counts.requests += 1
            counts.failed += 1

    def drain(self) -> dict[str, Counts]:
        """Counts since the last call, by stream."""
        with self._lock:
            counts, self._counts = self._counts, {}
            return counts
