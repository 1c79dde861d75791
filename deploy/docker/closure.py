"""The part of ``requirements.lock`` and the libraries of ours that one image needs.

    python closure.py requirements.lock services/drift/pyproject.toml OUT

writes ``OUT/requirements.txt``, entries of the lock with their hashes, and ``OUT/libraries.txt``, folders below ``libs/``. The lock has the
dependencies of the whole repository. pip resolves those of the image's packages with the lock's versions as constraints, and the hashes come from
the lock, not from the index. Services among the dependencies (of the command line) are left out, since each has an image of its own. It needs
Python and pip alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

OURS = "edgeloop-"
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<rest>[^\\]*)")


def normal(name: str) -> str:
    """A distribution's name as indexes compare it.

    >>> normal("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: str) -> dict[str, list[str]]:
    """The lock's entries by name; a name has several if its version depends on Python's."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if match := PIN.match(block):
            found.setdefault(normal(match["name"]), []).append(block.strip())
    return found


def pins(locked: dict[str, list[str]]) -> str:
    """The entries without hashes, as constraints."""
    return "\n".join(block.partition("\\")[0].strip() for blocks in locked.values() for block in blocks)


def wanted(project: Path, libraries: Path) -> tuple[list[str], list[str]]:
    """Third-party requirements of a package and its libraries, and these libraries."""
    requirements: set[str] = set()
    needed: set[str] = set()
    waiting = [project]
    while waiting:
        for requirement in tomllib.loads(waiting.pop().read_text(encoding="utf-8"))["project"].get("dependencies", []):
            name = requirement.removeprefix(OURS)
            if name == requirement:
                requirements.add(requirement)
            elif (path := libraries / name / "pyproject.toml").exists() and name not in needed:
                needed.add(name)
                waiting.append(path)
    return sorted(requirements), sorted(needed)


def resolve(requirements: list[str], constraints: str) -> list[str]:
    """Names of the packages that pip would install here."""
    with tempfile.TemporaryDirectory() as folder:
        pinned, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        pinned.write_text(constraints, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
        subprocess.run([*command, "--report", str(report), "--constraint", str(pinned), *requirements], check=True)
        return sorted(normal(one["metadata"]["name"]) for one in json.loads(report.read_text(encoding="utf-8"))["install"])


def main() -> int:
    """Entry point."""
    lock, source, out = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    locked = entries(lock.read_text(encoding="utf-8"))
    if source.exists():
        requirements, libraries = wanted(source, lock.parent / "libs")
    else:
        requirements, libraries = [str(source)], []
    names = resolve(requirements, pins(locked))
    if missing := [name for name in names if name not in locked]:
        print(f"{lock} lacks {', '.join(missing)}, which {source} needs: make it anew with `make lock`", file=sys.stderr)
        return 1
    out.mkdir(parents=True, exist_ok=True)
    (out / "requirements.txt").write_text("".join(f"{block}\n" for name in names for block in locked[name]), encoding="utf-8")
    (out / "libraries.txt").write_text("".join(f"libs/{name}\n" for name in libraries), encoding="utf-8")
    print(f"{source}: {len(names)} of {len(locked)} locked packages, libraries: {', '.join(libraries) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
