"""scikit-learn pipelines of each family. Only the child process imports this."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from edgeloop_trainer.core.dataset import Floats, Ints
from edgeloop_trainer.core.fits import Family, Recipe
from edgeloop_trainer.core.spaces import Chosen

HIDDEN = 32
EPOCHS = 200


def pipeline(recipe: Recipe, chosen: Chosen = MappingProxyType({})) -> Pipeline:
    """An unfitted pipeline; missing values become the median, a column without any value zero.

    Parameters
    ----------
    chosen
        Hyper-parameters that a search has chosen, by scikit-learn's names; they go before the recipe's.
    """
    imputer = ("impute", SimpleImputer(strategy="median", keep_empty_features=True))
    return Pipeline([imputer, *_steps(recipe, dict(chosen))])


def constant() -> Pipeline:
    """An unfitted pipeline for rows that are all of one class."""
    return Pipeline([("model", DummyClassifier(strategy="prior"))])


def answers(recipe: Recipe, chosen: Chosen, older: tuple[Floats, Ints], features: Floats) -> Ints:
    """What a model of older rows and labels answers; where these are all of one class, that class."""
    rows, labels = older
    if len(np.unique(labels)) < 2:
        return np.full(len(features), labels[0] if len(labels) else 0)
    return pipeline(recipe, chosen).fit(rows, labels).predict(features)


def _steps(recipe: Recipe, chosen: dict[str, Any]) -> list[tuple[str, Any]]:
    forest: dict[str, Any] = {"n_estimators": recipe.trees, "min_samples_leaf": recipe.min_leaf, "random_state": recipe.seed, "n_jobs": 1}
    match recipe.family:
        case Family.EXTRA_TREES:
            return [("model", ExtraTreesClassifier(**forest | chosen))]
        case Family.RANDOM_FOREST:
            return [("model", RandomForestClassifier(**forest | chosen))]
        case Family.GRADIENT_BOOSTING:
            # Stopping early would hold rows out at random, and windows are small: some hundred rows.
            boosting: dict[str, Any] = {"early_stopping": False, "random_state": recipe.seed}
            boosting |= {"max_iter": recipe.trees, "min_samples_leaf": recipe.min_leaf}
            return [("model", HistGradientBoostingClassifier(**boosting | chosen))]
        case Family.LOGISTIC_REGRESSION:
            linear: dict[str, Any] = {"max_iter": 1_000}
            return [("scale", StandardScaler()), ("model", LogisticRegression(**linear | chosen))]
        case Family.MLP:
            # Small and shallow: it answers on a device within microseconds, and some hundred rows do not feed more.
            network: dict[str, Any] = {"hidden_layer_sizes": HIDDEN, "max_iter": EPOCHS, "random_state": recipe.seed}
            return [("scale", StandardScaler()), ("model", MLPClassifier(**network | chosen))]
