"""Result of a learner on a stream."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A prequential result: each row is answered before its label is learned, without the warm-up.

    Attributes
    ----------
    stream, learner
        Names.
    right
        Correctness of each answer, from the first row after the warm-up to the last one that was reached.
    rows
        Number of rows to answer.
    seconds
        Processor time, with that of the warm-up.
    counted
        Further figures by the name of a table.
    """

    stream: str
    learner: str
    right: NDArray[np.bool_]
    rows: int
    seconds: float
    counted: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean()) if len(self.right) else 0.0
