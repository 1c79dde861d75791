"""What a mean was before a change, and what it is since: estimated from values on either side of the most likely change point.

What a detector knows at its alarm mixes both: it alarms some rows after the change, and its window reaches back to before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 10  # answers on either side: fewer would make chance look like a level
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
        Values since the change: what ``after`` is the mean of.
    """

    before: float
    after: float
    since: int = 0

    @property
    def rising(self) -> bool:
        """Whether the mean went up."""
        return self.after > self.before


def of_errors(errors: bytes | bytearray, *, rising: bool | None) -> Change | None:
    """The error rate before and after the most likely change point: that under which these errors are likeliest, each side with a rate of its own.

    Parameters
    ----------
    errors
        A byte an answer, 1 for wrong, in their order.
    rising
        Which way the rate went; only such change points count. ``None`` where that is not known.

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
    """Values since a level may have changed one way: since their excess over what is usual was last used up (Page 1954).

    Attributes
    ----------
    count, total
        How many, and their sum.
    excess
        What they have in excess, in standard deviations.
    """

    count: int = 0
    excess: float = 0.0
    total: float = 0.0

    def then(self, value: float, score: float) -> Run:
        """With one more value, which lies ``score`` standard deviations on this run's side of the usual.

        >>> Run().then(7.0, 1.5).then(8.0, 2.5)
        Run(count=2, excess=3.0, total=15.0)
        >>> Run().then(7.0, 1.0).then(10.0, 4.0)
        Run(count=1, excess=3.5, total=10.0)
        >>> Run().then(7.0, 1.5).then(3.0, -1.0)
        Run(count=0, excess=0.0, total=0.0)
        """
        more = score - ALLOWED
        excess = self.excess + more
        if excess <= 0 or self.count == LONGEST:
            return Run()
        if more > FAR * self.excess:  # the change begins here: what was in excess before was chance
            return Run(1, float(np.float32(more)), float(np.float32(value)))
        # As single numbers, as they are kept: a restored run goes on to the bit.
        return Run(self.count + 1, float(np.float32(excess)), float(np.float32(self.total + value)))


def _likelihood(rate: Doubles, count: Doubles) -> Doubles:
    """Logarithm of the likelihood of so many answers with this share of errors."""
    safe = np.clip(rate, 1e-12, 1 - 1e-12)
    return count * (rate * np.log(safe) + (1 - rate) * np.log1p(-safe))
