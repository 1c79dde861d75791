"""A change that adapters hide, on the demo's stream: it raises a signal, and the signal leads to a version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from edgeloop_cli.demo import DATA, LABEL, ROWS, TRUTH

pytestmark = pytest.mark.doors
ROOT = Path(__file__).parents[2]
EDGELOOP = Path(sys.executable).parent / "edgeloop"


def test_the_demos_first_change_is_noticed_below_the_adapter_and_answered_with_a_version(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    given = ["--stream", ROOT / DATA, "--label", LABEL, "--rows", ROWS, "--group", 50, "--report", out]
    done = subprocess.run([EDGELOOP, "backtest", *map(str, given)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))["policies"]["default"]
    change = json.loads((ROOT / TRUTH).read_text(encoding="utf-8"))["change_points"][0]
    first = next(signal["row"] for signal in report["signals"] if signal["detector"] == "ADWIN(alone)")
    assert change < first < change + 1_000
    led_to = [version for version in report["versions"] if version["cause"].startswith(f"ADWIN(alone) at row {first}, stage")]
    assert led_to, [version["cause"] for version in report["versions"]]
    assert led_to[0]["installed_at_row"] < ROWS
