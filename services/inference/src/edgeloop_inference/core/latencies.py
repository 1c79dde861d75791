"""Latencies of requests in few numbers: a histogram whose buckets grow by a constant factor."""

from __future__ import annotations

from bisect import bisect_left

FIRST_MS = 0.05
GROWTH = 1.2
BOUNDS_MS = tuple(FIRST_MS * GROWTH**place for place in range(84))  # up to 190 s


class Latencies:
    """Counts of latencies by bucket; a percentile is off by at most a fifth of its value."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_MS) + 1)
        self.count = 0

    def add(self, milliseconds: float) -> None:
        """Count one latency."""
        self._counts[bisect_left(BOUNDS_MS, milliseconds)] += 1
        self.count += 1

    def percentile(self, share: float) -> float | None:
        """Upper bound of the bucket below which that share of latencies lies, milliseconds; ``None`` without any.

        Examples
        --------
        >>> found = Latencies()
        >>> for milliseconds in [1.0] * 98 + [50.0] * 2:
        ...     found.add(milliseconds)
        >>> [round(found.percentile(share), 1) for share in (0.5, 0.98, 0.99)]
        [1.1, 1.1, 51.1]
        """
        if not self.count:
            return None
        below = 0
        for place, count in enumerate(self._counts):
            below += count
            if below >= share * self.count:
                return BOUNDS_MS[min(place, len(BOUNDS_MS) - 1)]
        return BOUNDS_MS[-1]
