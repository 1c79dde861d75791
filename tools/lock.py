"""Update of ``requirements.lock``: one universal lock with hashes and without addresses for Python 3.11 to 3.13.

Gathers the third-party dependencies of every package and of the development groups, and has uv resolve them.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "requirements.lock"
HEADER = "# Every dependency with hashes, for Python 3.11 to 3.13; made by `make lock`, installed by pip or uv.\n"


def requirements() -> list[str]:
    """Third-party requirements of all packages, sorted; our own packages left out."""
    found: set[str] = set()
    for path in [
        ROOT / "pyproject.toml",
        *ROOT.glob("libs/*/pyproject.toml"),
        *ROOT.glob("services/*/pyproject.toml"),
        ROOT / "cli/pyproject.toml",
    ]:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
        found.update(project.get("project", {}).get("dependencies", []))
        for group in project.get("dependency-groups", {}).values():
            found.update(group)
    return sorted(r for r in found if not r.startswith("edgeloop-"))


def main() -> int:
    """Entry point."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "-", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", "--quiet", "--output-file", str(TARGET)),
        *sys.argv[1:],
    ]
    done = subprocess.run(command, input="\n".join(requirements()), text=True, check=False)
    if done.returncode:
        return done.returncode
    TARGET.write_text(HEADER + TARGET.read_text(encoding="utf-8"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
