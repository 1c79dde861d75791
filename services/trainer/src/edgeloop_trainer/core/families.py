"""Families: kinds of model, and the labels that each can answer."""

from __future__ import annotations

from enum import StrEnum


class Family(StrEnum):
    """Kinds of model."""

    EXTRA_TREES = "extra_trees"
    RANDOM_FOREST = "random_forest"
    GRADIENT_BOOSTING = "gradient_boosting"
    LOGISTIC_REGRESSION = "logistic_regression"
    LINEAR = "linear"
    MLP = "mlp"
    HOEFFDING_ADAPTIVE_TREE = "hoeffding_adaptive_tree"
    ADAPTIVE_RANDOM_FOREST = "adaptive_random_forest"
    ONLINE_LOGISTIC_REGRESSION = "online_logistic_regression"


ONLINE = frozenset({Family.HOEFFDING_ADAPTIVE_TREE, Family.ADAPTIVE_RANDOM_FOREST, Family.ONLINE_LOGISTIC_REGRESSION})
"""Families that learn each labelled row as it comes, instead of a window."""
ONLINE_REGRESSORS = ONLINE - {Family.ONLINE_LOGISTIC_REGRESSION}
CLASSIFIERS = frozenset(Family) - ONLINE - {Family.LINEAR}
REGRESSORS = frozenset(Family) - ONLINE - {Family.LOGISTIC_REGRESSION}
