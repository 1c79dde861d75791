"""scikit-learn pipelines of each family. Only the child process imports this."""

from __future__ import annotations

from typing import Any

from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from edgeloop_trainer.core.fits import Family, Recipe


def pipeline(recipe: Recipe) -> Pipeline:
    """An unfitted pipeline; missing values become the median, a column without any value zero."""
    imputer = ("impute", SimpleImputer(strategy="median", keep_empty_features=True))
    return Pipeline([imputer, *_steps(recipe)])


def constant() -> Pipeline:
    """An unfitted pipeline for rows that are all of one class."""
    return Pipeline([("model", DummyClassifier(strategy="prior"))])


def _steps(recipe: Recipe) -> list[tuple[str, Any]]:
    forest: dict[str, Any] = {"n_estimators": recipe.trees, "min_samples_leaf": recipe.min_leaf, "random_state": recipe.seed, "n_jobs": 1}
    match recipe.family:
        case Family.EXTRA_TREES:
            return [("model", ExtraTreesClassifier(**forest))]
        case Family.RANDOM_FOREST:
            return [("model", RandomForestClassifier(**forest))]
        case Family.GRADIENT_BOOSTING:
            # Stopping early would hold rows out at random, and windows are small: some hundred rows.
            boosting: dict[str, Any] = {"early_stopping": False, "random_state": recipe.seed}
            return [("model", HistGradientBoostingClassifier(max_iter=recipe.trees, min_samples_leaf=recipe.min_leaf, **boosting))]
        case Family.LOGISTIC_REGRESSION:
            return [("scale", StandardScaler()), ("model", LogisticRegression(max_iter=1_000))]
