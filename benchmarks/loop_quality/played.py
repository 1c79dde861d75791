"""What a learner came to on a stream."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """Prequential: each row is answered before its label is learned from, and none of the warm-up counts.

    Attributes
    ----------
    stream, learner
        Names.
    right
        Whether each answer was right, from the first row after the warm-up to the last one that was reached.
    rows
        How many rows there were to answer.
    seconds
        Processor time of everything, the warm-up included.
    counted
        What else is told of it, by the name of a table.
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
