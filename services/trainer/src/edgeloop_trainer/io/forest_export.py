"""Export of forests to ONNX, directly from their arrays.

skl2onnx visits the nodes one by one; for 25 trees on 6,000 rows that takes five times as long as the fit. It also writes unused
fields, without which the file is less than half as large.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, helper, numpy_helper

OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8
MODES = (b"BRANCH_LEQ", b"LEAF")
FLOATS = frozenset({"nodes_values", "class_weights", "target_weights"})

Arrays = dict[str, NDArray[Any]]


def down_to_float32(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above each threshold, so that ``x <= t`` gives the same for every float32 x."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def export_forest(imputer: Any, forest: Any, width: int) -> bytes:
    """ONNX file of a fitted median imputer and a fitted forest classifier with classes 0, 1, …; equal models give equal bytes."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    return export_trees(imputer.statistics_, trees, [1 / len(trees)] * len(trees), width, len(forest.classes_))


def export_trees(fillings: NDArray[Any], trees: Sequence[Any], shares: Sequence[float], width: int, classes: int) -> bytes:
    """ONNX file of trees that vote for classes 0, 1, ….

    Parameters
    ----------
    fillings
        Replacement of a missing value, by feature.
    trees
        Trees as arrays, as in scikit-learn.
    shares
        Weight of each tree in the vote; the sum is 1.
    """
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
    ]
    node = _node("TreeEnsembleClassifier", ["filled"], ["label", "probabilities"], _classifier_attributes(trees, shares, classes))
    return _file(fillings, [node], width, outputs).SerializeToString(deterministic=True)


def export_forest_of_numbers(imputer: Any, forest: Any, width: int) -> bytes:
    """ONNX file of a fitted median imputer and a fitted forest regressor; equal models give equal bytes."""
    return export_trees_of_numbers(imputer.statistics_, [estimator.tree_ for estimator in forest.estimators_], width)


def export_trees_of_numbers(fillings: NDArray[Any], trees: Sequence[Any], width: int) -> bytes:
    """ONNX file of trees that answer with the mean of their numbers; parameters as in :func:`export_trees`."""
    outputs = [helper.make_tensor_value_info("sums", TensorProto.FLOAT, ["N", 1])]
    return in_a_row(_file(fillings, [_node("TreeEnsembleRegressor", ["filled"], ["sums"], _regressor_attributes(trees))], width, outputs))


def in_a_row(model: onnx.ModelProto) -> bytes:
    """The file of a model with one output column, reshaped to a vector, float32 [N]."""
    graph = model.graph
    column = graph.output[0].name
    graph.initializer.append(numpy_helper.from_array(np.array([-1]), "in_a_row"))
    graph.node.append(helper.make_node("Reshape", [column, "in_a_row"], ["prediction"], name="Reshape_in_a_row"))
    graph.output[0].CopyFrom(helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None]))
    return model.SerializeToString(deterministic=True)


def _file(fillings: NDArray[Any], nodes: list[onnx.NodeProto], width: int, outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    imputed = [
        _attribute("imputed_value_floats", AttributeProto.FLOATS, np.asarray(fillings, np.float32).tolist()),
        helper.make_attribute("replaced_value_float", float("nan")),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", width])]
    graph = helper.make_graph([_node("Imputer", ["input"], ["filled"], imputed), *nodes], "edgeloop", inputs, outputs)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")


def _classifier_attributes(trees: Sequence[Any], shares: Sequence[float], classes: int) -> list[AttributeProto]:
    """Attributes of a TreeEnsembleClassifier: nodes of all trees, and weights of their leaves.

    Weights of zero are left out, except in the first leaf, since each class must be named once. Of two classes, only the weights of the
    second are written, under class id 0; onnxruntime then takes the first as the complement.
    """
    parts: list[Arrays] = []
    for number, (tree, share) in enumerate(zip(trees, shares, strict=True)):
        leaf = tree.children_left < 0
        weights = tree.value[leaf, 0, :]
        weights = (weights / weights.sum(axis=1, keepdims=True) * share).astype(np.float32)
        if classes == 2:
            weights = weights[:, 1:]
        kept = weights > 0
        kept[0] |= number == 0
        rows, ids = np.nonzero(kept)
        weighed = {
            "class_treeids": np.full(len(rows), number),
            "class_nodeids": np.flatnonzero(leaf)[rows],
            "class_ids": ids,
            "class_weights": weights[rows, ids],
        }
        parts.append(_nodes(tree, number) | weighed)
    return [
        *_concatenated(parts),
        _attribute("classlabels_int64s", AttributeProto.INTS, list(range(classes))),
        helper.make_attribute("post_transform", "NONE"),
    ]


def _regressor_attributes(trees: Sequence[Any]) -> list[AttributeProto]:
    """Attributes of a TreeEnsembleRegressor, whose leaves add to a base.

    The base is near the numbers, so the leaves add little, and float32 loses little.
    """
    base = np.float32(np.mean([tree.value[0, 0, 0] for tree in trees]))
    parts: list[Arrays] = []
    for number, tree in enumerate(trees):
        leaves = np.flatnonzero(tree.children_left < 0)
        weighed = {
            "target_treeids": np.full(len(leaves), number),
            "target_nodeids": leaves,
            "target_ids": np.zeros(len(leaves), np.int64),
            "target_weights": ((tree.value[leaves, 0, 0] - base) / len(trees)).astype(np.float32),
        }
        parts.append(_nodes(tree, number) | weighed)
    return [
        *_concatenated(parts),
        _attribute("base_values", AttributeProto.FLOATS, [float(base)]),
        helper.make_attribute("n_targets", 1),
        helper.make_attribute("post_transform", "NONE"),
    ]


def _nodes(tree: Any, number: int) -> Arrays:
    leaf = tree.children_left < 0
    return {
        "nodes_treeids": np.full(tree.node_count, number),
        "nodes_nodeids": np.arange(tree.node_count),
        "nodes_featureids": np.where(leaf, 0, tree.feature),
        "nodes_modes": leaf.astype(np.int64),
        "nodes_values": np.where(leaf, np.float32(0), down_to_float32(tree.threshold)),
        "nodes_truenodeids": np.where(leaf, 0, tree.children_left),
        "nodes_falsenodeids": np.where(leaf, 0, tree.children_right),
    }


def _concatenated(parts: list[Arrays]) -> Iterator[AttributeProto]:
    """The arrays of all trees, concatenated."""
    for name in parts[0]:
        values = np.concatenate([part[name] for part in parts]).tolist()
        if name == "nodes_modes":
            yield _attribute(name, AttributeProto.STRINGS, [MODES[mode] for mode in values])
        else:
            yield _attribute(name, AttributeProto.FLOATS if name in FLOATS else AttributeProto.INTS, values)


def _node(kind: str, inputs: list[str], outputs: list[str], attributes: Iterable[AttributeProto]) -> onnx.NodeProto:
    node = helper.make_node(kind, inputs, outputs, name=kind, domain="ai.onnx.ml")
    node.attribute.extend(sorted(attributes, key=lambda attribute: attribute.name))
    return node


def _attribute(name: str, kind: AttributeProto.AttributeType, values: list[Any]) -> AttributeProto:
    """An attribute of many values; ``helper.make_attribute`` is slow, since it inspects each value several times."""
    attribute = AttributeProto(name=name, type=kind)
    match kind:
        case AttributeProto.FLOATS:
            attribute.floats.extend(values)
        case AttributeProto.STRINGS:
            attribute.strings.extend(values)
        case _:
            attribute.ints.extend(values)
    return attribute
