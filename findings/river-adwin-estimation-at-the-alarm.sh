#!/usr/bin/env bash
# Library:  river 0.26.1
# Expected: ADWIN cuts the old rows off when it alarms, so that `estimation` is the new level.
# Seen:     at the alarm most of the window is still old: a change from .1 to .6 is told as about .2.
# Matters:  a severity read off there makes each change look small, and the smaller the sooner it was found.
# We:       estimate the level before and after from the rows around the change point.
# Output:   mean of `estimation` at the alarm over 50 changes from 0.1 to 0.6: 0.23
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check river==0.26.1
v/bin/python - <<'P'
import random
from statistics import mean
from river.drift import ADWIN

told = []
for seed in range(50):
    rng, detector = random.Random(seed), ADWIN()
    for i in range(6000):
        detector.update(float(rng.random() < (0.1 if i < 3000 else 0.6)))
        if detector.drift_detected and i >= 3000:
            told.append(detector.estimation)
            break
print(f"mean of `estimation` at the alarm over {len(told)} changes from 0.1 to 0.6: {mean(told):.2f}")
assert len(told) == 50 and mean(told) < 0.4
P
