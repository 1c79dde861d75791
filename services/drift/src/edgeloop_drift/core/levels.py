"""Means before and after a change, estimated on either side of the most likely change point.

A detector's own estimate mixes both: it alarms some rows after the change, and its window begins before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 10  # answers on either side; fewer make chance look like a level
ALLOWED = 0.5  # standard deviations: half of the smallest shift that matters
FAR = 3
LONGEST = (1 << 16) - 1
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """A mean that changed.

    Attributes
    ----------
    before, after
        The mean up to the change, and since.
    since
        Values since the change; ``after`` is their mean.
    """

    before: float
    after: float
    since: int = 0

    @property
    def rising(self) -> bool:
        """Whether the mean went up."""
        return self.after > self.before


def of_errors(errors: bytes | bytearray, *, rising: bool | None) -> Change | None:
    """The error rate before and after the most likely change point.

    That is the point with the largest likelihood of these errors, each side with a rate of its own.

    Parameters
    ----------
    errors
        One byte per answer, 1 for wrong, in their order.
    rising
        Direction of the change; only such change points count. ``None`` if unknown.

    Examples
    --------
    >>> of_errors(bytes([0, 0, 0, 0, 1, 0, 0, 0, 0, 0] * 10 + [1, 1, 0, 1] * 5), rising=True)
    Change(before=0.1, after=0.75, since=20)
    """
    count = len(errors)
    if count < 2 * LEAST:
        return None
    sums = np.cumsum(np.frombuffer(bytes(errors), np.uint8), dtype=np.float64)
    first = np.arange(LEAST, count - LEAST + 1, dtype=np.float64)
    left = sums[LEAST - 1 : count - LEAST]
    before, after = left / first, (sums[-1] - left) / (count - first)
    likely = _likelihood(before, first) + _likelihood(after, count - first)
    if rising is not None:
        likely[(after <= before) if rising else (after >= before)] = -np.inf
    best = int(np.argmax(likely))
    return Change(float(before[best]), float(after[best]), count - LEAST - best) if np.isfinite(likely[best]) else None


@dataclass(frozen=True, slots=True)
class Run:
    """Values since a level may have changed in one direction, which is when their excess was last used up (Page 1954).

    Attributes
    ----------
    count, total
        Their number and their sum.
    excess
        Their excess over the usual level, in standard deviations.
    """

    count: int = 0
    excess: float = 0.0
    total: float = 0.0

    def add(self, value: float, score: float) -> Run:
        """The run with one more value, ``score`` standard deviations from the usual level in this run's direction.

        >>> Run().add(7.0, 1.5).add(8.0, 2.5)
        Run(count=2, excess=3.0, total=15.0)
        >>> Run().add(7.0, 1.0).add(10.0, 4.0)
        Run(count=1, excess=3.5, total=10.0)
        >>> Run().add(7.0, 1.5).add(3.0, -1.0)
        Run(count=0, excess=0.0, total=0.0)
        """
        more = score - ALLOWED
        excess = self.excess + more
        if excess <= 0 or self.count == LONGEST:
            return Run()
        if more > FAR * self.excess:  # the change begins here; the earlier excess was chance
            return Run(1, float(np.float32(more)), float(np.float32(value)))
        # Rounded as in the snapshot, so a restored run is equal to the bit.
        return Run(self.count + 1, float(np.float32(excess)), float(np.float32(self.total + value)))


def _likelihood(rate: Doubles, count: Doubles) -> Doubles:
    """Logarithm of the likelihood of ``count`` answers with this error rate."""
    safe = np.clip(rate, 1e-12, 1 - 1e-12)
    return count * (rate * np.log(safe) + (1 - rate) * np.log1p(-safe))
