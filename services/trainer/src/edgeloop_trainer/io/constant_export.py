"""Constant models, for rows that all have the same label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgeloop_trainer.io.forest_export import IR_VERSION, OPSETS


def export_constant(width: int) -> bytes:
    """ONNX file of a model that answers class 0 with probability 1, for rows of ``width`` features.

    If labels come in a strong order, such a model can be the best for a while; the gate decides.
    """
    first, one, zero = np.array([0]), np.array([1.0], np.float32), np.array([0])
    nodes = [
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["rows"]),
        helper.make_node("Concat", ["rows", "width_out"], ["table"], axis=0),
        helper.make_node("ConstantOfShape", ["rows"], ["label"], value=numpy_helper.from_array(zero)),
        helper.make_node("ConstantOfShape", ["table"], ["probabilities"], value=numpy_helper.from_array(one)),
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 1]),
    ]
    return _file(nodes, width, outputs, {"first": first, "width_out": np.array([1])})


def export_number(value: float, width: int) -> bytes:
    """ONNX file of a model that answers one number, for rows of ``width`` features."""
    nodes = [
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["rows"]),
        helper.make_node("ConstantOfShape", ["rows"], ["prediction"], value=numpy_helper.from_array(np.array([value], np.float32))),
    ]
    return _file(nodes, width, [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])], {"first": np.array([0])})


def _file(nodes: list[onnx.NodeProto], width: int, outputs: list[onnx.ValueInfoProto], constants: Mapping[str, NDArray[np.int64]]) -> bytes:
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "edgeloop", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", OPSETS[""])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")
    return model.SerializeToString(deterministic=True)
