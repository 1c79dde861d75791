"""All tests, in parallel: those that wait for processes beside those that compute, so that no core is idle.

``python tools/test.py`` runs all of them, ``python tools/test.py PATH… [-k …]`` the named ones, with pytest's own options.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "--durations=8", "--durations-min=10", "-m", "not faults and not doors and not clients"]
LONG = ["libs/local", "services/inference", "services/trainer"]
SHORT = [path for root in ("libs", "services") for found in sorted((ROOT / root).iterdir()) if (path := f"{root}/{found.name}") not in LONG]
# SHOWN runs in the foreground, BESIDE at low priority beside it. Tests that kill processes have a time limit for recovery, which depends on
# the load: they come first, beside tests that need little.
SHOWN = ["tests/faults", "tests/integration", "tests/e2e", "benchmarks"]
BESIDE = [[*SHORT, "cli", "tests/architecture", "tests/offline"], LONG]


def main() -> int:
    if len(sys.argv) > 1:
        return subprocess.run([*PYTEST, *sys.argv[1:]], cwd=ROOT, check=False).returncode
    began = time.monotonic()
    try:
        codes = together(SHOWN, BESIDE)
    except KeyboardInterrupt:
        return 130
    print(f"--- all tests took {time.monotonic() - began:.0f} s")
    return next(filter(None, codes), 0)


def together(shown: list[str], beside: list[list[str]]) -> list[int]:
    """Run all at the same time; returns their exit codes."""
    with ExitStack() as stack:
        others: list[tuple[subprocess.Popen[bytes], BinaryIO]] = []
        for paths in beside:
            output = stack.enter_context(tempfile.TemporaryFile())
            command = ["nice", "-n", "10", *PYTEST, "-q", *paths]
            others.append((subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT), output))
        try:
            codes = [subprocess.run([*PYTEST, *shown], cwd=ROOT, check=False).returncode]
        finally:
            codes_beside = [process.wait() for process, _ in others]  # they get Ctrl-C from the terminal, too
        for paths, (_, output) in zip(beside, others, strict=True):
            output.seek(0)
            sys.stdout.write(f"\n--- {', '.join(paths)}, run beside {', '.join(shown)}\n")
            sys.stdout.write(output.read().decode(errors="replace"))
        sys.stdout.flush()
    return codes + codes_beside


if __name__ == "__main__":
    sys.exit(main())
