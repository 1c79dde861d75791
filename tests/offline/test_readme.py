"""The ten lines of the README, pasted as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_ten_lines_run_and_the_loop_beats_a_model_that_is_never_retrained() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"## Ten lines.*?```python\n(.*?)```.*?```\n(.*?)```", text, re.DOTALL)
    assert found, "the README has no ten lines with their output"
    code, shown = found.groups()
    assert len([line for line in code.splitlines() if line]) <= 10
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2_000:]
    printed, expected = ([re.split(r" (?=[01]\.)", line) for line in output.splitlines()] for output in (ran.stdout, shown))
    assert [line[0] for line in printed] == [line[0] for line in expected]
    loop, static = (float(number) for number in re.findall(r"[01]\.\d+", ran.stdout.splitlines()[0]))
    assert loop > static
