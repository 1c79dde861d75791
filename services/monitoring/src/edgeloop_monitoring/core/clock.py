"""Time as the records tell it, going on while none comes."""

from __future__ import annotations


class Clock:
    """The newest record time, and on from there by how long ago that record came.

    Compares no two machines' clocks: of the own one it takes durations only. Without it, a stream that ends would keep its
    last rate for ever.
    """

    def __init__(self) -> None:
        self._newest = 0
        self._came = 0.0

    def advance(self, newest_ms: int, monotonic_s: float) -> None:
        """Note the newest record time known at a moment of the own monotonic clock."""
        if newest_ms > self._newest:
            self._newest, self._came = newest_ms, monotonic_s

    def now(self, monotonic_s: float) -> int:
        """Record time, milliseconds; 0 before the first record."""
        return self._newest + int(1000 * max(0.0, monotonic_s - self._came)) if self._newest else 0
