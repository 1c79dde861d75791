"""Write a new service that runs and passes its tests, and bring every generated list up to date.

    python tools/new_service.py NAME [--stateless]

It counts the labelled rows of ``examples``: replace that by what the service is for, see ``docs/adding-a-service.md``.
"""

from __future__ import annotations

import argparse
import keyword
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template

from edgeloop_contracts.service_spec import NAME

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "tools/service_template"
GENERATORS = ("generate.py", "generate_services.py", "generate_settings.py", "generate_topics.py")
RESERVED = {"cli": "the command line", "tests": "the tests", "errors": "a library"}


def problem(name: str) -> str:
    """Why a service cannot be called so; empty if it can."""
    if not NAME.fullmatch(name):
        return f"expected 2 to 30 small letters and digits, a letter first, such as `archive`; given {name!r}"
    if keyword.iskeyword(name):
        return f"{name!r} is a word of Python's own; choose another name"
    if (ROOT / "services" / name).exists():
        return f"services/{name} is there already; choose another name, or remove that folder"
    if (ROOT / "libs" / name).exists() or name in RESERVED:
        return f"edgeloop_{name} is {RESERVED.get(name, 'a library')} already; choose another name"
    return ""


def written(name: str, *, stateless: bool) -> Iterator[tuple[Path, str]]:
    """Files of a service, with their texts."""
    words = {"name": name, "Name": name.capitalize(), "NAME": name.upper()}
    for folder in (TEMPLATES / "every", TEMPLATES / ("without_state" if stateless else "with_state")):
        for template in sorted(folder.rglob("*.tmpl")):
            inside = str(template.relative_to(folder)).removesuffix(".tmpl").replace("NAME", name).replace("Name", words["Name"])
            # Schemas of all services lie together, everything else in the service's own folder.
            target = ROOT / inside if inside.startswith("schemas/") else ROOT / "services" / name / inside
            yield target, Template(template.read_text(encoding="utf-8")).substitute(words)


def main() -> int:
    """Entry point; the exit code is 2 if the name cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--stateless", action="store_true", help="a service without a state topic, whose effects lie outside Kafka")
    arguments = parser.parse_args()
    name = arguments.name
    if not name:
        print("new-service: which? make new-service NAME=archive", file=sys.stderr)
        return 2
    if why := problem(name):
        print(f"new-service: {why}", file=sys.stderr)
        return 2
    files = list(written(name, stateless=arguments.stateless))
    if there := [path for path, _ in files if path.exists()]:
        print(f"new-service: {there[0].relative_to(ROOT)} is there already; choose another name", file=sys.stderr)
        return 2
    for path, text in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # Its package is not installed yet: its settings are imported from its sources.
    sources = [str(ROOT / "services" / name / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sources))}
    written_code = [str(path) for path, _ in files if path.suffix == ".py"]
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):  # a name decides the order of imports
        subprocess.run([sys.executable, "-m", "ruff", *command, *written_code], cwd=ROOT, check=True)
    for generator in GENERATORS:
        if subprocess.run([sys.executable, str(ROOT / "tools" / generator)], env=environment, check=False).returncode:
            print(f"new-service: tools/{generator} failed; services/{name} is there, the lists may lack it", file=sys.stderr)
            return 1
    print(f"services/{name}: {len(files)} files; now `make init`, `make test TESTS=services/{name}`, then docs/adding-a-service.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
