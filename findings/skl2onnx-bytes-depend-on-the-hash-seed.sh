#!/usr/bin/env bash
# Library:  skl2onnx 1.20.0, scikit-learn 1.9.1
# Expected: equal estimators convert to equal bytes, whichever process converts them.
# Seen:     operator sets are listed in a set's order: the bytes of boosted trees change with Python's hash seed.
# Matters:  a digest cannot say that a repeated fit gave the same model, and a signature covers one of two files.
# We:       write operator sets sorted; a test compares digests over hash seeds.
# Output:   8 processes, 2 digests: 0000b1ac a0bcab3d
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check skl2onnx==1.20.0 onnx==1.23.2 scikit-learn==1.9.1 protobuf==6.33.6
cat > convert.py <<'P'
import hashlib
import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier

x = np.random.default_rng(0).normal(size=(60, 3)).astype("f4")
model = GradientBoostingClassifier(n_estimators=2, random_state=0).fit(x, x[:, 0] > 0)
made = to_onnx(model, x[:1], options={id(model): {"zipmap": False}}, target_opset=17)
print(hashlib.sha256(made.SerializeToString()).hexdigest()[:8])
P
for seed in 0 1 2 3 4 5 6 7; do PYTHONHASHSEED=$seed v/bin/python convert.py 2>/dev/null; done | sort -u > digests
echo "8 processes, $(wc -l < digests) digests: $(paste -sd' ' digests)"
test "$(wc -l < digests)" -gt 1
