"""Share of right answers: over everything, and over the newest rows."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray


class RollingAccuracy:
    """Counts right answers as they come.

    Examples
    --------
    >>> counted = RollingAccuracy(window=2)
    >>> for right in (True, False, False):
    ...     counted.add(right)
    >>> counted.rows, round(counted.total, 3), counted.recent
    (3, 0.333, 0.0)
    """

    def __init__(self, window: int = 1_000) -> None:
        self._newest: deque[bool] = deque(maxlen=window)
        self._recent_right = 0
        self._right = 0
        self.rows = 0

    def add(self, right: bool) -> None:
        """Count one more answer."""
        if len(self._newest) == self._newest.maxlen:
            self._recent_right -= self._newest[0]
        self._newest.append(right)
        self._recent_right += right
        self._right += right
        self.rows += 1

    @property
    def total(self) -> float:
        """Over all rows; 0 before the first."""
        return self._right / self.rows if self.rows else 0.0

    @property
    def recent(self) -> float:
        """Over the newest rows; 0 before the first."""
        return self._recent_right / len(self._newest) if self._newest else 0.0


def rolling(right: NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """Share of right answers over each row and those before it, ``window`` at most."""
    sums = np.concatenate([[0], np.cumsum(right, dtype=np.int64)])
    ends = np.arange(1, len(right) + 1)
    starts = np.maximum(0, ends - window)
    return (sums[ends] - sums[starts]) / np.maximum(1, ends - starts)
