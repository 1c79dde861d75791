"""Imports of River's detectors that the service does not need."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()


def test_the_service_loads_neither_scikit_learn_nor_statistics() -> None:
    code = "import sys, edgeloop_drift.__main__; print(*({'sklearn', 'sqlalchemy', 'scipy.stats._stats_py'} & sys.modules.keys()))"
    assert run(code) == []


def test_what_was_put_off_is_there_once_it_is_used() -> None:
    code = """
import edgeloop_drift
from edgeloop_drift.core.detectors import DetectorSpec
from river import stream
detector = DetectorSpec("KSWIN").make()
found = False
for n in range(200):
    detector.update(n // 100)
    found |= detector.drift_detected
print(found, len(list(stream.shuffle([1, 2], buffer_size=2))))
"""
    assert run(code) == ["True", "2"]


def test_what_is_loaded_or_missing_is_left_alone() -> None:
    code = """
import json.decoder
before = json.decoder
from edgeloop_drift.io.deferred_imports import defer
defer("json.decoder", "json.nothing")
print(json.decoder is before)
"""
    assert run(code) == ["True"]
