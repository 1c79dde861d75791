"""The service as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_without_a_key_it_says_so_and_ends(tmp_path: Path) -> None:
    for key in ({}, {"EDGELOOP_ADAPTER_KEY_FILE": str(tmp_path / "none.pem")}):
        done = subprocess.run(
            [sys.executable, "-m", "edgeloop_adapter"], env={**os.environ, **key}, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 2
        assert ("none.pem" if key else "EDGELOOP_ADAPTER_KEY_FILE is not set") in done.stdout + done.stderr
