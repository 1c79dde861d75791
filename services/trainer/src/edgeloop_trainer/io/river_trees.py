"""Variants of River's trees whose answers an ONNX file can reproduce, for classes and for numbers."""

from __future__ import annotations

from typing import Any

from river import drift, forest, stats, tree
from river.tree.base import Leaf
from river.tree.splitter import EBSTSplitter
from river.tree.utils import BranchFactory

MOST_THRESHOLDS = 100


def leaf_of(root: Any, x: dict[Any, Any]) -> Any:
    """The leaf of a row in the main tree; ``None`` if the tree has learned nothing."""
    node = root
    while node is not None and not isinstance(node, Leaf):
        node = node.next(x)
    return node


class MainTree(tree.HoeffdingAdaptiveTreeClassifier):
    """A Hoeffding adaptive tree that answers by its main tree alone.

    In River, growing alternate trees vote, too, and a device would have to carry them. Learning, and the replacement of a branch by its
    alternate tree, are as in River.
    """

    def predict_proba_one(self, x: dict[Any, Any]) -> dict[Any, float]:
        """Share of each class in the leaf of a row."""
        found: dict[Any, float] = getattr(leaf_of(self._root, x), "stats", {})
        total = sum(found.values())
        return {label: weight / total for label, weight in found.items()} if total else {}


class MainNumberTree(tree.HoeffdingAdaptiveTreeRegressor):
    """A Hoeffding adaptive tree for numbers that answers by its main tree alone."""

    def predict_one(self, x: dict[Any, Any]) -> float:
        """Mean of the leaf of a row; 0 before the first row."""
        leaf = leaf_of(self._root, x)
        return 0.0 if leaf is None else leaf.stats.mean.get()


class NumberForest(forest.ARFRegressor):
    """An adaptive random forest for numbers that detects drift in absolute errors.

    River's forest watches signed errors. If the effect of a feature turns around, errors grow on both sides and their mean stays, so no
    tree is ever replaced.
    """

    def _drift_detector_input(self, tree_id: int, y_true: float, y_pred: float) -> float:
        return super()._drift_detector_input(tree_id, abs(y_true - y_pred), 0.0)


class FirstThresholds(EBSTSplitter):
    """An extended binary search tree whose nodes are the values of a leaf's first rows; later rows are counted at these nodes.

    River's default rounds values to one decimal, so a feature between 0 and 0.05 never splits. Without rounding, a leaf whose labels are
    all equal stores each value that it ever saw. Here nothing depends on the unit of a feature, and a leaf has at most a hundred
    thresholds, each with exact counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows = 0

    def update(self, att_val: float, target_val: Any, w: float) -> None:
        """Learn the value and label of a row."""
        if self._root is None:  # no rows yet, or River has pruned all
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
        """The best threshold; none if all labels have been equal."""
        if pre_split_dist.get() == 0:
            return BranchFactory()
        return super().best_evaluated_split_suggestion(criterion, pre_split_dist, att_idx, binary_only)


class ErrorDrift(drift.ADWIN):
    """ADWIN on errors in units of six standard deviations, as in River's forest for numbers.

    ADWIN's bound holds for values between 0 and 1. River's adaptive tree passes errors unscaled, so a tree with errors of thousandths
    would never detect a drift.
    """

    def __init__(self) -> None:
        super().__init__()
        self._errors = stats.Var()

    def update(self, x: float) -> None:
        """Learn an absolute error."""
        self._errors.update(x)
        deviation = self._errors.get() ** 0.5
        super().update(x / (6 * deviation) if deviation > 0 else 0.0)
