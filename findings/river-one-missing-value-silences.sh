#!/usr/bin/env bash
# Library:  river 0.26.1
# Expected: one NaN among 4,000 values is skipped, refused, or makes a detector alarm.
# Seen:     ADWIN, Page-Hinkley, DDM, HDDMA and HDDMW keep NaN in their sums and never alarm again, through any change.
# Matters:  a sensor that skips one reading switches its own watch off, and nothing says so.
# We:       never hand a detector NaN: means are of the values that are there.
# Output:   ADWIN: 1 without, 0 after one NaN (and so on, one line a detector)
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check river==0.26.1
v/bin/python - <<'P'
import random
from river.drift import ADWIN, PageHinkley
from river.drift.binary import DDM, HDDMA, HDDMW


def alarms(detector, hurt):
    rng, found = random.Random(7), 0
    for i in range(4000):
        value = float(rng.random() < (0.05 if i < 2000 else 0.9))
        detector.update(float("nan") if hurt and i == 1000 else value)
        found += i > 1000 and detector.drift_detected
    return found


for kind in (ADWIN, PageHinkley, DDM, HDDMA, HDDMW):
    sound, hurt = alarms(kind(), False), alarms(kind(), True)
    print(f"{kind.__name__}: {sound} without, {hurt} after one NaN")
    assert sound > 0 and hurt == 0, kind
P
