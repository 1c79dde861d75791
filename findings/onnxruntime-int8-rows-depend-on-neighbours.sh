#!/usr/bin/env bash
# Library:  onnxruntime 1.31.1 (quantize_dynamic)
# Expected: a row's answer depends on the row. Quantisation costs precision, the same for a row alone and in a batch.
# Seen:     the scale of the activations is taken over the whole batch: a large neighbour changes a row's answer.
# Matters:  a device answers one row at a time, a gate scores a batch: they judge different models.
# We:       serve no dynamically quantised model; static quantisation has fixed scales.
# Output:   alone [-1.017 -0.296 -0.704], beside a large row [-0.341 -0.061 -0.718]
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6 sympy
v/bin/python - 2>/dev/null <<'P'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

rng = np.random.default_rng(0)
weights = numpy_helper.from_array(rng.normal(size=(4, 3)).astype("f4"), "w")
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])],
    "linear",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    [weights],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "full.onnx")
quantize_dynamic("full.onnx", "small.onnx")
session = onnxruntime.InferenceSession("small.onnx")
row, large = rng.normal(size=(1, 4)).astype("f4"), np.full((1, 4), 300, "f4")
alone = session.run(None, {"x": row})[0][0]
beside = session.run(None, {"x": np.vstack([row, large])})[0][0]
print(f"alone {alone.round(3)}, beside a large row {beside.round(3)}")
assert np.abs(alone - beside).max() > 0.3
P
