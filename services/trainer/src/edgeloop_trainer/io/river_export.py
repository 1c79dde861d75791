"""Export of River's models to ONNX: trees as trees, logistic regression as a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from river import forest
from river.tree.base import Leaf

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.io.constant_export import export_constant
from edgeloop_trainer.io.forest_export import IR_VERSION, OPSETS, export_trees, export_trees_of_numbers
from edgeloop_trainer.io.river_models import ONE, RiverClassifier, RiverRegressor


def export_river(river: RiverClassifier | RiverRegressor) -> bytes:
    """ONNX file of a model; equal models give equal bytes."""
    file = _export(river)
    return river.categories.before(file) if river.categories else file


def _export(river: RiverClassifier | RiverRegressor) -> bytes:
    """ONNX file for rows in the columns of the model."""
    means = river.moments.means
    if isinstance(river, RiverRegressor):
        return export_trees_of_numbers(means, _trees_of_numbers(river.model), len(means))
    order = river.order
    if len(order) < 2:
        return export_constant(len(means))
    if river.scaled:
        return _softmax(river, means, order)
    return export_trees(means, *_trees(river.model, order), len(means), len(order))


@dataclass(frozen=True, slots=True, eq=False)
class FlatTree:
    """A tree as arrays, as in scikit-learn; children of a leaf are -1.

    Attributes
    ----------
    value
        float64 [nodes, 1, C]: weight of each class in a leaf; or [nodes, 1, 1]: mean of the labels in a node.
    """

    children_left: NDArray[np.int64]
    children_right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.feature)


def flattened(root: Any, values_of: Callable[[Any], list[float]]) -> FlatTree:
    """The arrays of a River tree, whose splits all have the form ``feature ≤ threshold``.

    Parameters
    ----------
    root
        The root; ``None``, for a tree that has learned nothing, becomes a leaf.
    values_of
        Gives the values of a node.
    """
    nodes: list[tuple[int, float]] = []
    values: list[list[float]] = []
    waiting: list[tuple[Any, int, int]] = [(root, -1, 0)]
    children: dict[tuple[int, int], int] = {}
    while waiting:
        node, parent, side = waiting.pop()
        number = len(nodes)
        children[parent, side] = number
        values.append(values_of(node))
        if node is None or isinstance(node, Leaf):
            nodes.append((0, 0.0))
        else:
            nodes.append((node.feature, node.threshold))
            left, right = node.children
            waiting += [(right, number, 1), (left, number, 0)]
    left = np.array([children.get((n, 0), -1) for n in range(len(nodes))])
    right = np.array([children.get((n, 1), -1) for n in range(len(nodes))])
    feature, threshold = np.array([node[0] for node in nodes]), np.array([node[1] for node in nodes])
    return FlatTree(left, right, feature, threshold, np.array(values)[:, None, :])


def _trees(model: Any, order: list[int]) -> tuple[list[FlatTree], list[float]]:
    """Trees and their weights in the vote, without the trees of a forest that have learned nothing.

    River weighs a tree by its accuracy so far; a tree that was never right weighs as much as one that always was.
    """

    def values_of(node: Any) -> list[float]:
        stats: dict[int, float] = getattr(node, "stats", {})
        return [stats.get(label, 0.0) for label in order]

    if not isinstance(model, forest.ARFClassifier):
        return [flattened(model._root, values_of)], [1.0]  # pyright: ignore[reportPrivateUsage]
    accuracies = [metric.get() for metric in model._metrics]  # pyright: ignore[reportPrivateUsage]
    roots: list[tuple[Any, float]] = [
        (tree._root, accuracy or 1.0) for tree, accuracy in zip(model, accuracies, strict=True) if tree._root is not None
    ]
    total = sum(weight for _, weight in roots)
    return [flattened(root, values_of) for root, _ in roots], [weight / total for _, weight in roots]


def _trees_of_numbers(model: Any) -> list[FlatTree]:
    """Trees that answer with the mean of a leaf; a tree that has learned nothing answers 0, as in River."""

    def values_of(node: Any) -> list[float]:
        return [0.0 if node is None else node.stats.mean.get()]

    trees = list(model) if isinstance(model, forest.ARFRegressor) else [model]
    return [flattened(tree._root, values_of) for tree in trees]  # pyright: ignore[reportPrivateUsage]


def _softmax(river: RiverClassifier, means: Floats, order: list[int]) -> bytes:
    weights: dict[int, dict[int, float]] = river.model.weights
    width = len(means)
    matrix = np.array([[weights[label].get(feature, 0.0) for label in order] for feature in range(width)], np.float32)
    constants = np.array([weights[label].get(ONE, 0.0) for label in order], np.float32)
    nodes = [
        helper.make_node(
            "Imputer", ["input"], ["filled"], domain="ai.onnx.ml", imputed_value_floats=means.tolist(), replaced_value_float=float("nan")
        ),
        helper.make_node("Scaler", ["filled"], ["scaled"], domain="ai.onnx.ml", offset=means.tolist(), scale=river.moments.gains.tolist()),
        helper.make_node("Gemm", ["scaled", "weights", "constants"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["sums"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "edgeloop",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", width])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(order)]),
        ],
        [numpy_helper.from_array(matrix, "weights"), numpy_helper.from_array(constants, "constants")],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")
    return model.SerializeToString(deterministic=True)
