"""Release of a version: changelog fragments under a dated heading.

``python tools/release.py 0.2.0`` moves the fragments of ``changelog.d`` into ``CHANGELOG.md``. It commits nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"


def joined(text: str) -> str:
    """The changelog with one list per category: fragments leave a blank line between theirs."""
    return re.sub(r"(^(?:- |  ).*\n)\n(?=- )", r"\1", text, flags=re.MULTILINE)


def main() -> int:
    """Entry point."""
    if len(sys.argv) != 2 or not re.fullmatch(r"\d+\.\d+\.\d+", sys.argv[1]):
        print("release: expected one version such as 0.2.0: make release VERSION=0.2.0", file=sys.stderr)
        return 2
    version = sys.argv[1]
    if f"\n## {version} " in CHANGELOG.read_text(encoding="utf-8"):
        print(f"release: {CHANGELOG.name} has a section {version} already", file=sys.stderr)
        return 2
    done = subprocess.run([sys.executable, "-m", "scriv", "collect", "--version", version], cwd=ROOT, check=False)
    if done.returncode:
        return done.returncode
    CHANGELOG.write_text(joined(CHANGELOG.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{version} is prepared; look at it, run .ci/run, then: git commit -am 'Version {version}' && git tag v{version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
