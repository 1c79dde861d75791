#!/usr/bin/env bash
# Library:  skl2onnx 1.20.0, scikit-learn 1.9.1, onnx 1.23.2, protobuf 6.33.6 and 7.36.2
# Expected: a model converts with every protobuf that pip installs beside skl2onnx and onnx.
# Seen:     HistGradientBoosting, classifier and regressor, converts with protobuf 6 and raises with 7; the older GradientBoosting takes both.
#           The converter puts booleans into an attribute of integers, which protobuf 7 no longer takes.
# Matters:  nothing bounds protobuf: a fresh installation of the same pins takes 7, and the step that exports the model fails.
# We:       bound protobuf below 7 where models are exported.
# Output:   protobuf 6.33.6: [...] HistGradientBoostingClassifier converts, HistGradientBoostingRegressor converts
#           protobuf 7.36.2: [...] HistGradientBoostingClassifier ValueError, HistGradientBoostingRegressor ValueError
#             because of TypeError: Field onnx.AttributeProto.ints: Expected an int, got a boolean.
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check skl2onnx==1.20.0 onnx==1.23.2 scikit-learn==1.9.1
cat > convert.py <<'P'
import sys
import google.protobuf
import numpy as np
from skl2onnx import to_onnx
from sklearn import ensemble

x = np.random.default_rng(0).normal(size=(200, 3)).astype("f4")
found = {}
for name in ("GradientBoosting", "HistGradientBoosting"):
    for kind, truth in (("Classifier", x[:, 0] > 0), ("Regressor", x[:, 0])):
        try:
            to_onnx(getattr(ensemble, name + kind)().fit(x, truth), x[:1], target_opset=17)
            found[name + kind] = "converts"
        except Exception as error:
            cause = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            found[name + kind] = type(error).__name__
            reason = f"{type(cause).__name__}: {str(cause).strip().splitlines()[-1][:120]}"
print(f"protobuf {google.protobuf.__version__}: " + ", ".join(f"{name} {what}" for name, what in found.items()))
hist = {what for name, what in found.items() if name.startswith("Hist")}
if sys.argv[1] == "7":
    print(f"  because of {reason}")
assert hist == ({"converts"} if sys.argv[1] == "6" else {"ValueError"})
assert all(what == "converts" for name, what in found.items() if not name.startswith("Hist"))
P
for version in 6.33.6 7.36.2; do
    v/bin/pip install -q --disable-pip-version-check protobuf==$version
    v/bin/python -W ignore convert.py "${version%%.*}"
done
