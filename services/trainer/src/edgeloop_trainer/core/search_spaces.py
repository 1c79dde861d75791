"""Search spaces of hyper-parameters, by family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeloop_trainer.core.families import Family

Hyperparameters = Mapping[str, int | float]
"""Hyper-parameters by their names in scikit-learn."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """Range of one hyper-parameter; an integer if its bounds are integers.

    Attributes
    ----------
    low, high
        Bounds, both included.
    log
        Whether the scale is logarithmic.
    """

    low: float
    high: float
    log: bool = False


_FOREST = {"min_samples_leaf": Dimension(1, 20, log=True), "max_features": Dimension(0.1, 1.0)}

# The number of trees is not searched: it decides the size of the file that devices fetch, so the settings keep it.
SPACES: Mapping[Family, Mapping[str, Dimension]] = {
    Family.EXTRA_TREES: _FOREST,
    Family.RANDOM_FOREST: _FOREST,
    Family.GRADIENT_BOOSTING: {
        "learning_rate": Dimension(0.02, 0.5, log=True),
        "max_leaf_nodes": Dimension(4, 63, log=True),
        "min_samples_leaf": Dimension(1, 40, log=True),
        "l2_regularization": Dimension(1e-4, 10.0, log=True),
    },
    Family.LOGISTIC_REGRESSION: {"C": Dimension(1e-3, 1e3, log=True)},
    Family.LINEAR: {"alpha": Dimension(1e-3, 1e3, log=True)},
    Family.MLP: {
        "hidden_layer_sizes": Dimension(8, 64, log=True),
        "alpha": Dimension(1e-6, 1.0, log=True),
        "learning_rate_init": Dimension(3e-4, 3e-2, log=True),
    },
}
