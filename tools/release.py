"""Release of a version: one number for all packages and images, and changelog fragments under a dated heading.

``python tools/release.py 0.2.0`` writes ``VERSION``, which all packages read, and what is generated from it. Then it moves the fragments of
``changelog.d`` into ``CHANGELOG.md``. It commits nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
COMPOSE = ROOT / "docker-compose.yml"


def joined(text: str) -> str:
    """The changelog with one list per category, and with links from its own folder: fragments lie one deeper."""
    one_list = re.sub(r"(^(?:- |  ).*\n)\n(?=- )", r"\1", text, flags=re.MULTILINE)
    return one_list.replace("](../", "](")


def uncategorised() -> list[Path]:
    """Fragments whose first line is no category."""
    found = sorted(path for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md")
    return [path for path in found if not path.read_text(encoding="utf-8").startswith("### ")]


def numbered(version: str) -> None:
    """Write the version where packages, images and documents take it from."""
    (ROOT / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    text = COMPOSE.read_text(encoding="utf-8")
    COMPOSE.write_text(re.sub(r"(EDGELOOP_VERSION:-)[\d.]+", rf"\g<1>{version}", text), encoding="utf-8")
    for tool in ("generate_services.py", "generate_topics.py"):
        subprocess.run([sys.executable, str(ROOT / "tools" / tool)], cwd=ROOT, check=True)


def main() -> int:
    """Entry point."""
    if len(sys.argv) != 2 or not re.fullmatch(r"\d+\.\d+\.\d+", sys.argv[1]):
        print("release: expected one version such as 0.2.0: make release VERSION=0.2.0", file=sys.stderr)
        return 2
    version = sys.argv[1]
    if f"\n## {version} " in CHANGELOG.read_text(encoding="utf-8"):
        print(f"release: {CHANGELOG.name} has a section {version} already", file=sys.stderr)
        return 2
    if bare := [path.name for path in uncategorised()]:
        print(f"release: {', '.join(bare)}: expected a heading such as '### Added' above each list", file=sys.stderr)
        return 2
    numbered(version)
    done = subprocess.run([sys.executable, "-m", "scriv", "collect", "--version", version], cwd=ROOT, check=False)
    if done.returncode:
        return done.returncode
    CHANGELOG.write_text(joined(CHANGELOG.read_text(encoding="utf-8")), encoding="utf-8")
    print(
        f"{version} is prepared; read the changelog, run make init and .ci/run, then: git commit -am 'Version {version}' && git tag v{version}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
