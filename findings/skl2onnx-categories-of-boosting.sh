#!/usr/bin/env bash
# Library:  skl2onnx 1.20.0, scikit-learn 1.9.1, onnxruntime 1.31.1
# Expected: HistGradientBoosting with categorical_features converts, or the converter refuses it.
# Seen:     it converts without a word, and the graph compares category codes as numbers: half of the answers are wrong.
# Matters:  the file loads, its shapes are right, and only its answers are not.
# We:       encode categories in nodes of our own before the trees, and compare each export with its estimator row by row.
# Output:   accuracy of the estimator 1.0, of the converted model 0.5125
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.31.1 scikit-learn==1.9.1 protobuf==6.33.6
v/bin/python - 2>/dev/null <<'P'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingClassifier

rng = np.random.default_rng(0)
x = rng.normal(size=(400, 3)).astype("f4")
x[:, 1] = rng.integers(0, 6, 400)
y = np.isin(x[:, 1], [1, 4]).astype(int)
model = HistGradientBoostingClassifier(max_iter=10, categorical_features=[1], random_state=0).fit(x, y)
made = to_onnx(model, x[:1], options={id(model): {"zipmap": False}})
session = onnxruntime.InferenceSession(made.SerializeToString())
converted = (session.run(None, {session.get_inputs()[0].name: x})[0] == y).mean()
print(f"accuracy of the estimator {model.score(x, y)}, of the converted model {converted}")
assert model.score(x, y) == 1 and converted < 0.7
P
