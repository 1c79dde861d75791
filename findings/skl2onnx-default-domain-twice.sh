#!/usr/bin/env bash
# Library:  skl2onnx 1.20.0 with onnx 1.23.2, onnxruntime 1.31.1
# Expected: a converted model imports each operator set once, so that any ONNX tool takes it.
# Seen:     linear models and forests: the default domain "" stands twice in opset_import; onnxruntime serves it, its own quantizer refuses it.
# Matters:  the model passes its gate and fails in the step that makes it small for a device.
# We:       write each operator set once, in a fixed order, wherever a model is exported.
# Output:   [('ai.onnx.ml', 1), ('', 17), ('', 17)]
#           quantizer: ValueError: Failed to find proper ai.onnx domain
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.31.1 scikit-learn==1.9.1 protobuf==6.33.6 sympy
v/bin/python - 2>/dev/null <<'P'
import numpy as np
import onnx
from onnxruntime.quantization import quantize_dynamic
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

x = np.random.default_rng(0).normal(size=(60, 3)).astype("f4")
model = LogisticRegression().fit(x, x[:, 0] > 0)
made = to_onnx(model, x[:1], options={id(model): {"zipmap": False}}, target_opset=17)
sets = [(one.domain, one.version) for one in made.opset_import]
print(sets)
onnx.save(made, "model.onnx")
try:
    quantize_dynamic("model.onnx", "small.onnx")
    refused = "nothing"
except Exception as error:
    refused = f"{type(error).__name__}: {error}"
print("quantizer:", refused)
assert [domain for domain, _ in sets].count("") == 2 and refused != "nothing"
P
