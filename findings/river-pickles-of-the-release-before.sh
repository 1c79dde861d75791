#!/usr/bin/env bash
# Library:  river 0.24.2 (writes), river 0.26.1 (reads)
# Expected: a pickled model, the common way to keep one, loads two releases later.
# Seen:     of six detectors three no longer load: a compiled module moved (ADWIN, and with it adaptive forests), two classes have other names.
# Matters:  a service that keeps detectors over its update starts without them, or not at all; what they had learned is lost.
# We:       write what a detector has learned with a codec of our own; a snapshot of another River is told as such, and detection starts anew.
# Output:   ADWIN ModuleNotFoundError; PageHinkley loads; KSWIN loads; DDM loads; HDDM_A AttributeError; HDDM_W AttributeError; ARFClassifier ModuleNotFoundError
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
for version in 0.24.2 0.26.1; do
    python3 -m venv $version && $version/bin/pip install -q --disable-pip-version-check river==$version
done
0.24.2/bin/python - <<'P'
import pickle
from river import drift, forest
from river.drift import binary

learned = [drift.ADWIN(), drift.PageHinkley(), drift.KSWIN(seed=1), binary.DDM(), binary.HDDM_A(), binary.HDDM_W()]
for detector in learned:
    for number in range(500):
        detector.update(number % 2)
model = forest.ARFClassifier(n_models=3, seed=1)
for number in range(200):
    model.learn_one({"flow": number % 7}, number % 2)
saved = [(type(one).__name__, pickle.dumps(one)) for one in [*learned, model]]
pickle.dump(saved, open("saved", "wb"))
P
0.26.1/bin/python - <<'P'
import pickle

found = {}
for name, saved in pickle.load(open("saved", "rb")):
    try:
        pickle.loads(saved)
        found[name] = "loads"
    except Exception as error:
        found[name] = type(error).__name__
print("; ".join(f"{name} {told}" for name, told in found.items()))
assert sorted(name for name, told in found.items() if told != "loads") == ["ADWIN", "ARFClassifier", "HDDM_A", "HDDM_W"]
P
