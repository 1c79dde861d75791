"""River's models on float32 rows with missing values. Only the child process and a replay import this."""

from __future__ import annotations

from typing import Any

import numpy as np
from edgeloop_contracts.outcomes import number, plain
from numpy.typing import NDArray
from river import forest, linear_model

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.online_group import OnlineSpec
from edgeloop_trainer.io.categories import Indicators
from edgeloop_trainer.io.river_trees import ErrorDrift, FirstThresholds, MainNumberTree, MainTree, NumberForest

ONE = -1  # the feature that is always 1
# Parameters of the trees in River's forests: with its defaults for a single tree, most streams never see a split.
PATIENCE: dict[str, Any] = {"grace_period": 50, "delta": 0.01}
MOST_DEPTH = 12
"""Depth of regression trees, which would split without end: it bounds a tree to 4,096 leaves, and so the size of a file."""


class Moments:
    """Mean and standard deviation of each feature so far, by Welford's method; missing values do not count."""

    def __init__(self, width: int) -> None:
        self._counts = np.zeros(width)
        self._means = np.zeros(width)
        self._squares = np.zeros(width)

    def add(self, row: Floats) -> None:
        """Learn a row, float32 [F]."""
        known = ~np.isnan(row)
        self._counts += known
        step = np.where(known, row, self._means) - self._means
        self._means += step / np.maximum(self._counts, 1)
        self._squares += step * (np.where(known, row, self._means) - self._means)

    @property
    def means(self) -> Floats:
        """Means, float32 [F]; 0 for a feature without values."""
        return self._means.astype(np.float32)

    @property
    def gains(self) -> Floats:
        """One over the standard deviation, float32 [F]; 0 for a constant."""
        deviations = np.sqrt(self._squares / np.maximum(self._counts, 1)).astype(np.float32)
        return np.where(deviations > 0, 1 / np.where(deviations > 0, deviations, 1), np.float32(0)).astype(np.float32)


class RiverModel:
    """A River model with the statistics of its features.

    A missing value becomes the mean of the feature so far, rounded to float32, so that the ONNX file computes with the same numbers.

    Parameters
    ----------
    spec
        Its specification.
    width
        Features of a row.
    categories
        Number of categories of each feature, 0 for a number; empty if all features are numbers. Each category is a column.

    Attributes
    ----------
    model
        River's model.
    moments
        Statistics of the columns.
    categories
        The step before the model; ``None`` if all features are numbers.
    """

    def __init__(self, spec: OnlineSpec, width: int, categories: tuple[int, ...], model: Any) -> None:
        self.spec = spec
        self.categories = Indicators(categories) if categories else None
        self.moments = Moments(len(self.categories.columns) if self.categories else width)
        self.model = model

    def columns(self, rows: Floats) -> Floats:
        """Rows [N, F], or one row [F], in the columns of the model."""
        if self.categories is None:
            return rows
        return self.categories.transform(np.atleast_2d(rows)).reshape(*rows.shape[:-1], -1)


class RiverClassifier(RiverModel):
    """A classifier. In River, classes are numbers 0, 1, … in the order of their first rows.

    The logistic regression takes features scaled by mean and deviation so far, and a constant.

    Attributes
    ----------
    numbers
        River's number of each class.
    """

    def __init__(self, spec: OnlineSpec, width: int, categories: tuple[int, ...] = ()) -> None:
        super().__init__(spec, width, categories, _classifier(spec))
        self.numbers: dict[str, int] = {}

    @property
    def scaled(self) -> bool:
        """Whether the model takes scaled features."""
        return self.spec.family is Family.ONLINE_LOGISTIC_REGRESSION

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes so far, sorted."""
        return tuple(sorted(self.numbers))

    @property
    def order(self) -> list[int]:
        """River's numbers of the classes, in their order."""
        return [self.numbers[name] for name in self.classes]

    def learn(self, row: Floats, label: str) -> None:
        """Learn a row, float32 [F]."""
        row = self.columns(row)
        self.moments.add(row)
        self.model.learn_one(self._features_of(row, self.moments.means), self.numbers.setdefault(label, len(self.numbers)))

    def answer(self, row: Floats) -> str:
        """The most probable class of a row; on a tie, the class that came first. Empty before the first row."""
        if not self.numbers:
            return ""
        probabilities = self.model.predict_proba_one(self._features_of(self.columns(row), self.moments.means))
        best = min(probabilities, key=lambda label: (-probabilities[label], label), default=0)
        return list(self.numbers)[best]

    def predict_proba(self, rows: Floats) -> NDArray[np.float64]:
        """Probabilities of the classes, [N, C]."""
        found = np.zeros((len(rows), len(self.numbers)))
        means = self.moments.means
        for place, row in enumerate(self.columns(rows)):
            for label, probability in self.model.predict_proba_one(self._features_of(row, means)).items():
                found[place, label] = probability
        return found[:, self.order]

    def _features_of(self, row: Floats, means: Floats) -> dict[int, float]:
        if not self.scaled:
            return filled(row, means)
        scaled = (np.where(np.isnan(row), means, row).astype(np.float64) - means) * self.moments.gains
        return dict(enumerate(scaled.tolist())) | {ONE: 1.0}


class RiverRegressor(RiverModel):
    """A regressor."""

    classes: tuple[str, ...] = ()

    def __init__(self, spec: OnlineSpec, width: int, categories: tuple[int, ...] = ()) -> None:
        super().__init__(spec, width, categories, _regressor(spec))

    def learn(self, row: Floats, label: str) -> None:
        """Learn a row, float32 [F].

        Raises
        ------
        ValueError
            The label is not a number.
        """
        value = number(label)
        if value is None:
            raise ValueError(f"label: expected a number, given {label!r}")
        row = self.columns(row)
        self.moments.add(row)
        self.model.learn_one(filled(row, self.moments.means), value)

    def answer(self, row: Floats) -> str:
        """The number that a device would answer, rounded to float32; 0 before the first row."""
        return plain(float(np.float32(self.model.predict_one(filled(self.columns(row), self.moments.means)))))

    def predict(self, rows: Floats) -> NDArray[np.float64]:
        """Answers for rows, [N]."""
        means = self.moments.means
        return np.array([self.model.predict_one(filled(row, means)) for row in self.columns(rows)])


def filled(row: Floats, means: Floats) -> dict[int, float]:
    """A row as River takes it, without missing values."""
    return dict(enumerate(np.where(np.isnan(row), means, row).tolist()))


def _classifier(spec: OnlineSpec) -> Any:
    match spec.family:
        case Family.HOEFFDING_ADAPTIVE_TREE:
            return MainTree(leaf_prediction="mc", seed=spec.seed, **PATIENCE)
        case Family.ADAPTIVE_RANDOM_FOREST:
            return forest.ARFClassifier(n_models=spec.trees, leaf_prediction="mc", seed=spec.seed)
        case Family.ONLINE_LOGISTIC_REGRESSION:
            return linear_model.SoftmaxRegression()
        case other:
            raise ValueError(f"{other} does not learn online")


def _regressor(spec: OnlineSpec) -> Any:
    trees: dict[str, Any] = {"leaf_prediction": "mean", "splitter": FirstThresholds(), "max_depth": MOST_DEPTH, "seed": spec.seed}
    match spec.family:
        case Family.HOEFFDING_ADAPTIVE_TREE:
            return MainNumberTree(drift_detector=ErrorDrift(), **trees, **PATIENCE)
        case Family.ADAPTIVE_RANDOM_FOREST:
            # Trees have equal weights: ONNX has no operator for a median of trees.
            return NumberForest(n_models=spec.trees, aggregation_method="mean", disable_weighted_vote=True, **trees)
        case other:
            raise ValueError(f"{other} does not learn numbers online")
