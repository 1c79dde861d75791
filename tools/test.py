"""Run the tests: first those that kill, then those of the packages beside those that need the whole platform, so that no core waits.

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
FAULTS = ["tests/faults"]  # alone: recovery has a limit of time
PACKAGES = ["libs", "services", "cli", "benchmarks", "tests/architecture", "tests/offline"]
PLATFORM = ["tests/integration", "tests/e2e"]  # mostly waits


def main() -> int:
    if len(sys.argv) > 1:
        return subprocess.run([*PYTEST, *sys.argv[1:]], cwd=ROOT, check=False).returncode
    began = time.monotonic()
    faults = subprocess.run([*PYTEST, *FAULTS], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile() as told:
        beside = subprocess.Popen(["nice", "-n", "10", *PYTEST, "-q", *PACKAGES], cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)
        try:
            platform = subprocess.run([*PYTEST, *PLATFORM], cwd=ROOT, check=False).returncode
            packages = beside.wait()
        except KeyboardInterrupt:
            beside.wait()  # the terminal has told it, too
            return 130
        told.seek(0)
        sys.stdout.write("\n--- tests of the packages, run beside those of the platform\n")
        sys.stdout.write(told.read().decode(errors="replace"))
    print(f"--- all tests took {time.monotonic() - began:.0f} s")
    return faults or platform or packages


if __name__ == "__main__":
    sys.exit(main())
