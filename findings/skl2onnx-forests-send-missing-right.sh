#!/usr/bin/env bash
# Library:  skl2onnx 1.20.0, scikit-learn 1.9.1, onnxruntime 1.31.1
# Expected: a random forest learns at each split which way a missing value goes; the converted forest goes the same way.
# Seen:     the converted forest sends NaN right at every split. Other rows agree, so a test without NaN sees nothing.
# Matters:  sensors fail on devices: then, and only then, the served model is not the one that was judged.
# We:       impute before the forest, inside the graph; rows with missing values are part of the export's tests.
# Output:   rows with NaN: 185 of 185 differ; other rows: 0 of 415
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.31.1 scikit-learn==1.9.1 protobuf==6.33.6
v/bin/python - 2>/dev/null <<'P'
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

rng = np.random.default_rng(0)
x = rng.normal(size=(600, 3)).astype("f4")
y = (x[:, 0] > 0).astype(int)
x[(y == 0) & (rng.random(600) < 0.5), 0] = np.nan
forest = RandomForestClassifier(10, random_state=0, max_features=None).fit(x, y)
made = to_onnx(forest, x[:1], options={id(forest): {"zipmap": False}})
session = onnxruntime.InferenceSession(made.SerializeToString())
differs = session.run(None, {session.get_inputs()[0].name: x})[0] != forest.predict(x)
missing = np.isnan(x).any(axis=1)
print(f"rows with NaN: {differs[missing].sum()} of {missing.sum()} differ; other rows: {differs[~missing].sum()} of {(~missing).sum()}")
assert differs[missing].all() and not differs[~missing].any()
P
