"""The limit of bytes a second that a device sends."""

from __future__ import annotations

from collections.abc import Callable

BURST_S = 1.0


class Bandwidth:
    """A token bucket that holds the bytes of a second. One record may exceed it, and later ones wait for it.

    Parameters
    ----------
    clock
        Monotonic clock, seconds.

    Attributes
    ----------
    limit
        Bytes a second; ``None`` for no limit. May be changed at any time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.limit: int | None = None
        self._clock = clock
        self._left = 0.0
        self._at = clock()

    def allowed(self) -> float:
        """Bytes that may be sent now; infinite without a limit."""
        limit = self.limit
        if limit is None:
            return float("inf")
        now = self._clock()
        self._left = min(self._left + limit * (now - self._at), limit * BURST_S)
        self._at = now
        return self._left

    def sent(self, size: int) -> None:
        """Count bytes that were handed over."""
        if self.limit is not None:
            self._left -= size

    def wait_s(self) -> float:
        """Seconds until something may be sent again; 0 if something may be sent now."""
        limit = self.limit
        return 0.0 if limit is None else max(0.0, -self.allowed() / limit)
