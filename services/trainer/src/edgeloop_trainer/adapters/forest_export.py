"""Forests to ONNX, straight from their arrays.

skl2onnx walks through the nodes one by one, which for 25 trees on 6,000 rows takes five times as long as the fit; and it
writes fields that nobody reads: the file is less than half as large without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, helper

OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8
MODES = (b"BRANCH_LEQ", b"LEAF")


def down_to_float32(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above each threshold: for every float32 x, ``x <= t`` holds for both or for neither."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def export_forest(imputer: Any, forest: Any, width: int) -> bytes:
    """ONNX file of a fitted median imputer and a fitted forest classifier with classes 0, 1, …; equal models, equal bytes."""
    classes = len(forest.classes_)
    imputed = [
        _attribute("imputed_value_floats", AttributeProto.FLOATS, np.asarray(imputer.statistics_, np.float32).tolist()),
        helper.make_attribute("replaced_value_float", float("nan")),
    ]
    graph = helper.make_graph(
        [
            _node("Imputer", ["input"], ["filled"], imputed),
            _node("TreeEnsembleClassifier", ["filled"], ["label", "probabilities"], _trees(forest.estimators_, classes)),
        ],
        "edgeloop",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", width])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
        ],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")
    return model.SerializeToString(deterministic=True)


def _trees(estimators: list[Any], classes: int) -> list[AttributeProto]:
    """The attributes of a TreeEnsembleClassifier: nodes of all trees, and the weights of their leaves.

    A weight of zero adds nothing and is left out, but for the first leaf: each class has to be named once. Of two classes
    only the second one's weights stand there, under class id 0: so onnxruntime knows that the first is the complement.
    """
    nodes: dict[str, list[NDArray[Any]]] = {}
    for number, estimator in enumerate(estimators):
        tree = estimator.tree_
        leaf = tree.children_left < 0
        weights = tree.value[leaf, 0, :]
        weights = (weights / weights.sum(axis=1, keepdims=True) / len(estimators)).astype(np.float32)
        if classes == 2:
            weights = weights[:, 1:]
        kept = weights > 0
        kept[0] |= number == 0
        rows, ids = np.nonzero(kept)
        parts = {
            "nodes_treeids": np.full(tree.node_count, number),
            "nodes_nodeids": np.arange(tree.node_count),
            "nodes_featureids": np.where(leaf, 0, tree.feature),
            "nodes_modes": leaf.astype(np.int64),
            "nodes_values": np.where(leaf, np.float32(0), down_to_float32(tree.threshold)),
            "nodes_truenodeids": np.where(leaf, 0, tree.children_left),
            "nodes_falsenodeids": np.where(leaf, 0, tree.children_right),
            "class_treeids": np.full(len(rows), number),
            "class_nodeids": np.flatnonzero(leaf)[rows],
            "class_ids": ids,
            "class_weights": weights[rows, ids],
        }
        for name, values in parts.items():
            nodes.setdefault(name, []).append(values)
    joined = {name: np.concatenate(parts).tolist() for name, parts in nodes.items()}
    modes = [MODES[mode] for mode in joined.pop("nodes_modes")]
    floats = {"nodes_values", "class_weights"}
    return [
        *(_attribute(name, AttributeProto.FLOATS if name in floats else AttributeProto.INTS, values) for name, values in joined.items()),
        _attribute("nodes_modes", AttributeProto.STRINGS, modes),
        _attribute("classlabels_int64s", AttributeProto.INTS, list(range(classes))),
        helper.make_attribute("post_transform", "NONE"),
    ]


def _node(kind: str, inputs: list[str], outputs: list[str], attributes: Iterable[AttributeProto]) -> onnx.NodeProto:
    node = helper.make_node(kind, inputs, outputs, name=kind, domain="ai.onnx.ml")
    node.attribute.extend(sorted(attributes, key=lambda attribute: attribute.name))
    return node


def _attribute(name: str, kind: AttributeProto.AttributeType, values: list[Any]) -> AttributeProto:
    """An attribute of many values; ``helper.make_attribute`` looks at each of them several times."""
    attribute = AttributeProto(name=name, type=kind)
    match kind:
        case AttributeProto.FLOATS:
            attribute.floats.extend(values)
        case AttributeProto.STRINGS:
            attribute.strings.extend(values)
        case _:
            attribute.ints.extend(values)
    return attribute
