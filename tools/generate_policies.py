"""Tables of ``docs/policies.md``, generated from the model of a policy file and the docstrings of its dataclasses.

``python tools/generate_policies.py`` writes the tables; ``--check`` exits with 1 if they are not up to date.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from docstring_parser import numpydoc
from edgeloop_contracts import Policy
from edgeloop_replay.policy_file import SECTIONS, Detection

PAGE = Path(__file__).resolve().parent.parent / "docs/policies.md"
BEGIN = "<!-- policy fields: made by `make generate` -->\n"
END = "<!-- end of policy fields -->\n"
SERVICES = {"gate": "trainer", "training": "trainer", "detection": "drift"}
ONLY_TRIED = {"enabled": "A mixture learns between the fits."}
_BETWEEN = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
_ROLE = re.compile(r":\w+:`([^`]+)`")


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the tables are not up to date")
    check, text = parser.parse_args().check, PAGE.read_text(encoding="utf-8")
    new, count = _BETWEEN.subn(lambda _: f"{BEGIN}{''.join(map(table, SECTIONS))}{END}", text)
    if count != 1:
        raise SystemExit(f"generate_policies: {PAGE.name}: expected {BEGIN.strip()} and {END.strip()} once, found {count} times")
    if new == text:
        return 0
    if check:
        print(f"docs/{PAGE.name} does not match the policy model: run make generate", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


def table(section: str) -> str:
    """The fields of a section, with their defaults, meanings, and effect on running services."""
    service, switched, values = SERVICES.get(section, section), running(section), defaults(section)
    rows = [f"### `{section}`\n\nOf the service [`{service}`](../services/{service}).\n\n"]
    rows.append("| field | default | meaning | while running |\n| --- | --- | --- | --- |\n")
    for names, meaning in described(Detection if section == "detection" else SECTIONS[section].kind):
        fields_, shown_ = (", ".join(f"`{each}`" for each in cells) for cells in (names, [shown(values.pop(name)) for name in names]))
        rows.append(f"| {fields_} | {shown_} | {meaning} | {'yes' if switched.issuperset(names) else 'no'} |\n")
    for name, value in values.items():
        rows.append(f"| `{name}` | `{shown(value)}` | {ONLY_TRIED[name]} | no |\n")
    return "".join(rows) + "\n"


def defaults(section: str) -> dict[str, Any]:
    """The values of a section without any field."""
    if section == "detection":
        errors, scopes = Detection().made().errors, Detection().made().scopes
        return {"detector": errors.name, "parameters": dict(errors.parameters), "scopes": scopes}
    return {name: getattr(SECTIONS[section](), name) for name in SECTIONS[section].model_fields}


def running(section: str) -> set[str]:
    """Fields that the event of a policy has."""
    event = Policy(tenant="default", stream="")
    return {"minimum"} if section == "gate" else {each.name for each in fields(getattr(event, section))}


def described(kind: type) -> list[tuple[list[str], str]]:
    """Fields that the class's docstring explains together, with the text in one line."""
    parts = numpydoc.parse(inspect.getdoc(kind) or "").params
    return [(each.arg_name.split(", "), " ".join(_ROLE.sub(r"`\1`", each.description or "").replace("``", "`").split())) for each in parts]


def shown(value: Any) -> str:
    """A default as a policy file would have it."""
    if isinstance(value, tuple):
        value = [list(asdict(each).values()) if is_dataclass(each) and not isinstance(each, type) else each for each in value]
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    sys.exit(main())
