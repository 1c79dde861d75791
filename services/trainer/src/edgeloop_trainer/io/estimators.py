"""scikit-learn pipelines by family. Only the child process and a replay import this."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from edgeloop_trainer.core.dataset import Floats, Truth
from edgeloop_trainer.core.families import CLASSIFIERS, REGRESSORS, Family
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.search_spaces import Hyperparameters
from edgeloop_trainer.io.categories import Indicators

HIDDEN = 32
EPOCHS = 200


def pipeline(
    recipe: Recipe, chosen: Hyperparameters = MappingProxyType({}), *, numbers: bool = False, categories: tuple[int, ...] = ()
) -> Pipeline:
    """An unfitted pipeline. A missing value becomes the median, or zero in an empty column; each category gets a column.

    Parameters
    ----------
    chosen
        Hyper-parameters of a search by their names in scikit-learn; they override the recipe.
    numbers
        Whether labels are numbers.
    categories
        Number of categories of each feature, 0 for a number; empty if all features are numbers.

    Raises
    ------
    ValueError
        The family of the recipe cannot answer such labels.
    """
    imputer = ("impute", SimpleImputer(strategy="median", keep_empty_features=True))
    steps = [imputer, *_steps(recipe, dict(chosen), numbers=numbers)]
    if categories:
        steps.insert(0, ("categories", Indicators(categories)))
    return Pipeline(steps)


def fitted(
    recipe: Recipe, chosen: Hyperparameters, features: Floats, labels: Truth, *, numbers: bool, categories: tuple[int, ...] = ()
) -> Pipeline:
    """A pipeline fitted on rows; a constant model if all labels are equal."""
    if (labels == labels[:1]).all():
        constant = DummyRegressor(strategy="median") if numbers else DummyClassifier(strategy="prior")
        return Pipeline([("model", constant)]).fit(features, labels)
    model = pipeline(recipe, chosen, numbers=numbers, categories=categories)
    if not numbers or recipe.family is not Family.MLP:
        return model.fit(features, labels)
    # A network learns scaled numbers better; its last layer scales the answers back.
    middle, spread = labels.mean(), labels.std()
    model.fit(features, (labels - middle) / spread)
    network: Any = model[-1]
    network.coefs_[-1] = network.coefs_[-1] * spread
    network.intercepts_[-1] = network.intercepts_[-1] * spread + middle
    return model


def answers(
    recipe: Recipe,
    chosen: Hyperparameters,
    older: tuple[Floats, Truth],
    features: Floats,
    *,
    numbers: bool,
    categories: tuple[int, ...] = (),
) -> Truth:
    """Answers of a model fitted on older rows and labels; 0 if there are none."""
    rows, labels = older
    if not len(labels):
        return np.zeros(len(features), labels.dtype)
    return fitted(recipe, chosen, rows, labels, numbers=numbers, categories=categories).predict(features)


def _steps(recipe: Recipe, chosen: dict[str, Any], *, numbers: bool) -> list[tuple[str, Any]]:
    family = recipe.family
    if family not in (REGRESSORS if numbers else CLASSIFIERS):
        raise ValueError(f"{family} does not answer with {'numbers' if numbers else 'classes'}")
    forest: dict[str, Any] = {"n_estimators": recipe.trees, "min_samples_leaf": recipe.min_leaf, "random_state": recipe.seed, "n_jobs": 1}
    match family:
        case Family.EXTRA_TREES:
            return [("model", (ExtraTreesRegressor if numbers else ExtraTreesClassifier)(**forest | chosen))]
        case Family.RANDOM_FOREST:
            return [("model", (RandomForestRegressor if numbers else RandomForestClassifier)(**forest | chosen))]
        case Family.GRADIENT_BOOSTING:
            # Early stopping would hold out rows at random, and a window has only some hundred rows.
            boosting: dict[str, Any] = {"early_stopping": False, "random_state": recipe.seed}
            boosting |= {"max_iter": recipe.trees, "min_samples_leaf": recipe.min_leaf}
            return [("model", (HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier)(**boosting | chosen))]
        case Family.LOGISTIC_REGRESSION:
            linear: dict[str, Any] = {"max_iter": 1_000}
            return [("scale", StandardScaler()), ("model", LogisticRegression(**linear | chosen))]
        case Family.LINEAR:
            return [("scale", StandardScaler()), ("model", Ridge(**chosen))]
        case Family.MLP:
            # Small and shallow: it answers within microseconds on a device, and some hundred rows support no larger one.
            network: dict[str, Any] = {"hidden_layer_sizes": HIDDEN, "max_iter": EPOCHS, "random_state": recipe.seed}
            return [("scale", StandardScaler()), ("model", (MLPRegressor if numbers else MLPClassifier)(**network | chosen))]
        case other:
            raise ValueError(f"{other} is not fitted on a window")
