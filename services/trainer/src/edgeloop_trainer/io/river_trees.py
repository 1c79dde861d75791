"""River's trees as they have to be so that a file can say all that they answer from, for classes and for numbers."""

from __future__ import annotations

from typing import Any

from river import drift, forest, stats, tree
from river.tree.base import Leaf
from river.tree.splitter import EBSTSplitter
from river.tree.utils import BranchFactory

MOST_THRESHOLDS = 100


def leaf_of(root: Any, x: dict[Any, Any]) -> Any:
    """The leaf of a main tree that a row falls into; ``None`` where the tree has learned nothing."""
    node = root
    while node is not None and not isinstance(node, Leaf):
        node = node.next(x)
    return node


class MainTree(tree.HoeffdingAdaptiveTreeClassifier):
    """A Hoeffding adaptive tree that answers by its main tree alone.

    In River the alternate trees that may replace a branch vote too while they grow; a device would have to carry them. How it learns,
    and when an alternate tree takes over, is as in River.
    """

    def predict_proba_one(self, x: dict[Any, Any]) -> dict[Any, float]:
        """Share of each class in the leaf that a row falls into."""
        found: dict[Any, float] = getattr(leaf_of(self._root, x), "stats", {})
        total = sum(found.values())
        return {label: weight / total for label, weight in found.items()} if total else {}


class MainNumberTree(tree.HoeffdingAdaptiveTreeRegressor):
    """The same for numbers."""

    def predict_one(self, x: dict[Any, Any]) -> float:
        """Mean of the leaf that a row falls into; 0 before the first row."""
        leaf = leaf_of(self._root, x)
        return 0.0 if leaf is None else leaf.stats.mean.get()


class NumberForest(forest.ARFRegressor):
    """An adaptive random forest of numbers that watches how far its trees miss, and not to which side.

    River's watches errors with their sign: where a feature begins to count the other way, they grow on both sides, their mean stays, and
    no tree is ever replaced.
    """

    def _drift_detector_input(self, tree_id: int, y_true: float, y_pred: float) -> float:
        return super()._drift_detector_input(tree_id, abs(y_true - y_pred), 0.0)


class FirstThresholds(EBSTSplitter):
    """An extended binary search tree whose nodes are the values of a leaf's first rows; later rows are counted at these.

    River's default rounds values to one decimal before it keeps them, so that a feature between 0 and 0.05 never splits; without rounding
    a leaf whose labels are all equal keeps each value that it ever saw. Here nothing depends on the unit of a feature, and a leaf has a
    hundred thresholds to choose from at most. What is counted at each of them is exact.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows = 0

    def update(self, att_val: float, target_val: Any, w: float) -> None:
        """Take in a row's value and label."""
        if self._root is None:  # nothing yet, or River has pruned all
            self._rows = 0
        self._rows += 1
        if self._rows <= MOST_THRESHOLDS:
            super().update(att_val, target_val, w)
            return
        node: Any = self._root
        while node is not None and att_val != node.att_val:
            if att_val < node.att_val:
                node.estimator.update(target_val, w)
                node = node._left
            else:
                node = node._right
        if node is not None:
            node.estimator.update(target_val, w)

    def best_evaluated_split_suggestion(self, criterion: Any, pre_split_dist: Any, att_idx: Any, binary_only: bool = True) -> BranchFactory:
        """The best threshold; none where all labels have been equal, which a leaf may go on asking for ever."""
        if pre_split_dist.get() == 0:
            return BranchFactory()
        return super().best_evaluated_split_suggestion(criterion, pre_split_dist, att_idx, binary_only)


class ErrorDrift(drift.ADWIN):
    """ADWIN on errors in units of six of their standard deviations so far, as River's forest of numbers has it.

    ADWIN's bound is for values between 0 and 1. River's adaptive tree hands it errors as they are: one that misses by thousandths would
    never notice that it has become worse.
    """

    def __init__(self) -> None:
        super().__init__()
        self._errors = stats.Var()

    def update(self, x: float) -> None:
        """Take in an absolute error."""
        self._errors.update(x)
        deviation = self._errors.get() ** 0.5
        super().update(x / (6 * deviation) if deviation > 0 else 0.0)
