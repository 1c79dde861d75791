"""How well a model answers rows whose labels are known."""

from __future__ import annotations

import numpy as np

from edgeloop_trainer.core.dataset import Truth


def measured(answers: Truth, labels: Truth, *, numbers: bool) -> dict[str, float]:
    """The share of right classes, or the mean absolute and the root mean squared error.

    >>> measured(np.array([1.0, 4.0]), np.array([1.0, 2.0]), numbers=True)
    {'mae': 1.0, 'rmse': 1.4142135623730951}
    """
    if not numbers:
        return {"accuracy": float((answers == labels).mean())}
    missed = answers - labels
    return {"mae": float(np.abs(missed).mean()), "rmse": float(np.sqrt(np.square(missed).mean()))}
