"""Metrics of a model on labelled rows."""

from __future__ import annotations

import numpy as np

from edgeloop_trainer.core.dataset import Truth


def model_metrics(answers: Truth, labels: Truth, *, numbers: bool) -> dict[str, float]:
    """The share of right classes, or the mean absolute error and the root mean squared error.

    >>> model_metrics(np.array([1.0, 4.0]), np.array([1.0, 2.0]), numbers=True)
    {'mae': 1.0, 'rmse': 1.4142135623730951}
    """
    if not numbers:
        return {"accuracy": float((answers == labels).mean())}
    missed = answers - labels
    return {"mae": float(np.abs(missed).mean()), "rmse": float(np.sqrt(np.square(missed).mean()))}
