"""Run the tests: those that wait for processes beside those that compute, so that no core waits.

``python tools/test.py`` runs all of them, ``python tools/test.py PATH… [-k …]`` those that are named, with pytest's own options.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-m", "not faults"]
BUSY = ["services/adapter", "cli", "services/trainer", "services/inference", "libs/local"]
SHORT = [path for root in ("libs", "services") for found in sorted((ROOT / root).iterdir()) if (path := f"{root}/{found.name}") not in BUSY]
# What is shown while it runs, and what runs beside it, more patiently. Those that kill have a limit of time for recovery, which
# counts what others take of the machine: they come first, beside those that take little.
SHOWN = ["tests/faults", "tests/integration", "tests/e2e", "benchmarks"]
BESIDE = [*SHORT, "tests/architecture", "tests/offline", *BUSY]


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


def together(shown: list[str], beside: list[str]) -> tuple[int, int]:
    """Run both at the same time; give back how they ended."""
    with tempfile.TemporaryFile() as told:
        other = subprocess.Popen(["nice", "-n", "10", *PYTEST, "-q", *beside], cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)
        try:
            first = subprocess.run([*PYTEST, *shown], cwd=ROOT, check=False).returncode
        finally:
            second = other.wait()  # at Ctrl-C, the terminal has told it, too
        told.seek(0)
        sys.stdout.write(f"\n--- {', '.join(beside)}, run beside {', '.join(shown)}\n")
        sys.stdout.write(told.read().decode(errors="replace"))
        sys.stdout.flush()
    return first, second


if __name__ == "__main__":
    sys.exit(main())
