"""The model for rows that are all of one class: it always answers that class."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgeloop_trainer.adapters.forest_export import IR_VERSION, OPSETS


def export_constant(width: int) -> bytes:
    """ONNX file that answers class 0 with probability 1, for rows of ``width`` features.

    Where labels come in a strong order such a model can be the best for a while; whether it is, the gate decides.
    """
    first, one, zero = np.array([0]), np.array([1.0], np.float32), np.array([0])
    nodes = [
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["rows"]),
        helper.make_node("Concat", ["rows", "width_out"], ["table"], axis=0),
        helper.make_node("ConstantOfShape", ["rows"], ["label"], value=numpy_helper.from_array(zero)),
        helper.make_node("ConstantOfShape", ["table"], ["probabilities"], value=numpy_helper.from_array(one)),
    ]
    graph = helper.make_graph(
        nodes,
        "edgeloop",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 1]),
        ],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(np.array([1]), "width_out")],
    )
    opsets = [helper.make_opsetid("", OPSETS[""])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")
    return model.SerializeToString(deterministic=True)
