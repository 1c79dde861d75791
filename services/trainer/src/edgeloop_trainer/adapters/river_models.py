"""River's models, fed with rows of float32 that may lack values. Only the child process and a backtest import this."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import forest, linear_model, tree
from river.tree.base import Leaf

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.fits import Family
from edgeloop_trainer.core.lessons import Learner

ONE = -1  # the feature that is always 1


class Moments:
    """Mean and scale of each feature over the rows so far, by Welford's method; values that are missing count for nothing."""

    def __init__(self, width: int) -> None:
        self._counts = np.zeros(width)
        self._means = np.zeros(width)
        self._squares = np.zeros(width)

    def add(self, row: Floats) -> None:
        """Take in a row, float32 [F]."""
        known = ~np.isnan(row)
        self._counts += known
        step = np.where(known, row, self._means) - self._means
        self._means += step / np.maximum(self._counts, 1)
        self._squares += step * (np.where(known, row, self._means) - self._means)

    @property
    def means(self) -> Floats:
        """float32 [F]; 0 for a feature that was never known."""
        return self._means.astype(np.float32)

    @property
    def gains(self) -> Floats:
        """One over the standard deviation, float32 [F]; 0 for a constant."""
        deviations = np.sqrt(self._squares / np.maximum(self._counts, 1)).astype(np.float32)
        return np.where(deviations > 0, 1 / np.where(deviations > 0, deviations, 1), np.float32(0)).astype(np.float32)


class MainTree(tree.HoeffdingAdaptiveTreeClassifier):
    """A Hoeffding adaptive tree that answers by its main tree alone.

    In River the alternate trees that may replace a branch vote too while they grow; a device would have to carry them. How it learns,
    and when an alternate tree takes over, is as in River.
    """

    def predict_proba_one(self, x: dict[Any, Any]) -> dict[Any, float]:
        """Share of each class in the leaf that a row falls into."""
        node: Any = self._root
        if node is None:
            return {}
        while not isinstance(node, Leaf):
            node = node.next(x)
        stats: dict[Any, float] = getattr(node, "stats", {})
        total = sum(stats.values())
        return {label: weight / total for label, weight in stats.items()} if total else {}


class RiverModel:
    """One of River's classifiers with classes 0, 1, … in the order in which they came.

    Missing values become the feature's mean so far; the logistic regression sees features scaled by mean and deviation so far, and a
    constant. Both are rounded to float32, so that the ONNX file computes with the same numbers.

    Parameters
    ----------
    learner
        Which.
    width
        Features of a row.

    Attributes
    ----------
    model
        River's.
    moments
        Of the features.
    """

    def __init__(self, learner: Learner, width: int) -> None:
        self.learner = learner
        self.moments = Moments(width)
        self.model: Any = _made(learner)

    @property
    def scaled(self) -> bool:
        """Whether the model sees scaled features."""
        return self.learner.family is Family.ONLINE_LOGISTIC_REGRESSION

    def learn(self, row: Floats, label: int) -> None:
        """Take in a row, float32 [F]."""
        self.moments.add(row)
        self.model.learn_one(self._seen(row, self.moments.means), label)

    def answer(self, row: Floats) -> int:
        """The likeliest class of a row; of equals the first."""
        probabilities = self.model.predict_proba_one(self._seen(row, self.moments.means))
        return min(probabilities, key=lambda label: (-probabilities[label], label), default=0)

    def predict_proba(self, rows: Floats, classes: int) -> NDArray[np.float64]:
        """Probabilities, [N, C]."""
        found = np.zeros((len(rows), classes))
        means = self.moments.means
        for number, row in enumerate(rows):
            for label, probability in self.model.predict_proba_one(self._seen(row, means)).items():
                found[number, label] = probability
        return found

    def _seen(self, row: Floats, means: Floats) -> dict[int, float]:
        known = np.where(np.isnan(row), means, row)
        if not self.scaled:
            return dict(enumerate(known.tolist()))
        scaled = (known.astype(np.float64) - means) * self.moments.gains
        return dict(enumerate(scaled.tolist())) | {ONE: 1.0}


def _made(learner: Learner) -> Any:
    match learner.family:
        case Family.HOEFFDING_ADAPTIVE_TREE:
            # Patience as River gives it to the trees of a forest: by its default for a single tree most streams never see a split.
            return MainTree(leaf_prediction="mc", grace_period=50, delta=0.01, seed=learner.seed)
        case Family.ADAPTIVE_RANDOM_FOREST:
            return forest.ARFClassifier(n_models=learner.trees, leaf_prediction="mc", seed=learner.seed)
        case Family.ONLINE_LOGISTIC_REGRESSION:
            return linear_model.SoftmaxRegression()
        case other:
            raise ValueError(f"{other} does not learn online")
