"""Accuracy over all rows and over the newest rows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from edgeloop_contracts.outcomes import right
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


class Missed:
    """By how much answers have missed their numbers.

    Examples
    --------
    >>> missed = Missed()
    >>> for error in (3.0, 4.0):
    ...     missed.add(error)
    >>> missed.mae, missed.rmse
    (3.5, 3.5355339059327378)
    """

    def __init__(self) -> None:
        self._absolute = 0.0
        self._squared = 0.0
        self._rows = 0

    def add(self, error: float) -> None:
        """Take one more absolute error."""
        self._absolute += error
        self._squared += error * error
        self._rows += 1

    @property
    def mae(self) -> float | None:
        """Mean absolute error; ``None`` before the first answer, or where one was no number."""
        return self._absolute / self._rows if self._rows and math.isfinite(self._absolute) else None

    @property
    def rmse(self) -> float | None:
        """Root mean squared error; ``None`` as for :attr:`mae`."""
        return math.sqrt(self._squared / self._rows) if self._rows and math.isfinite(self._squared) else None


def judged(answers: Sequence[str], labels: Sequence[str], tolerance: float) -> NDArray[np.bool_]:
    """Whether each answer was right."""
    return np.array([right(answer, label, tolerance) for answer, label in zip(answers, labels, strict=True)], np.bool_)


def rolling(right: NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """Share of right answers over each row and those before it, ``window`` at most."""
    sums = np.concatenate([[0], np.cumsum(right, dtype=np.int64)])
    ends = np.arange(1, len(right) + 1)
    starts = np.maximum(0, ends - window)
    return (sums[ends] - sums[starts]) / np.maximum(1, ends - starts)
