#!/usr/bin/env bash
# Library:  river 0.26.1, frouros 0.9.0
# Expected: ADWIN with the same delta on the same values alarms at the same row in every library that cites the same paper.
# Seen:     Frouros needs twice the rows that River needs.
# Matters:  a delay taken from a paper or a benchmark belongs to a library and a version, not to a detector's name.
# We:       name library and version beside each figure, and compare detectors within one library.
# Output:   median rows from change to alarm over 20 changes: river 87, frouros 183
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
cat > delays.py <<'P'
import random
import sys
from statistics import median


def river():
    from river.drift import ADWIN

    detector = ADWIN(delta=0.002)

    def update(value):
        detector.update(value)
        return detector.drift_detected

    return update


def frouros():
    from frouros.detectors.concept_drift import ADWIN, ADWINConfig

    detector = ADWIN(config=ADWINConfig(delta=0.002))

    def update(value):
        detector.update(value=value)
        return detector.drift

    return update


def delay(update, seed):
    rng = random.Random(seed)
    for i in range(3000):
        if update(float(rng.random() < (0.2 if i < 1000 else 0.5))) and i >= 1000:
            return i - 1000
    return 2000


make = {"river": river, "frouros": frouros}[sys.argv[1]]
print(int(median(delay(make(), seed) for seed in range(20))))
P
for library in river==0.26.1 frouros==0.9.0; do
    name=${library%%==*}
    python3 -m venv "$name" && "$name/bin/pip" install -q --disable-pip-version-check "$library"
    "$name/bin/python" delays.py "$name" > "$name.rows" 2>/dev/null
done
echo "median rows from change to alarm over 20 changes: river $(cat river.rows), frouros $(cat frouros.rows)"
test "$(cat frouros.rows)" -gt "$(($(cat river.rows) * 12 / 10))"
