"""Generate ``edgeloop_contracts.events`` from ``schemas/**/*.avsc``.

``python tools/generate.py`` writes the file, ``--check`` only says whether it is up to date (exit code 1 if not).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import Any

import fastavro

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "libs/contracts/src/edgeloop_contracts/events.py"
SCALARS = {"string": "str", "long": "int", "int": "int", "double": "float", "float": "float", "boolean": "bool", "bytes": "bytes"}
HEADER = '''"""The events of edgeloop, generated from ``schemas/**/*.avsc`` by ``make generate``. Do not edit."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self
'''


@dataclass
class Types:
    """Named types in the order in which they must be defined, with the Python text of each."""

    code: dict[str, str] = field(default_factory=dict)
    shape: dict[str, str] = field(default_factory=dict)
    enums: set[str] = field(default_factory=set)

    def annotation(self, avro: Any) -> str:
        """Python type of an Avro type, defining named types on the way."""
        match avro:
            case str() if avro in SCALARS:
                return SCALARS[avro]
            case str() if avro in self.shape:
                return avro
            case ["null", other]:
                return f"{self.annotation(other)} | None"
            case {"type": "array", "items": items}:
                return f"tuple[{self.annotation(items)}, ...]"
            case {"type": "map", "values": values}:
                return f"Mapping[str, {self.annotation(values)}]"
            case {"type": "enum"}:
                self.enum(avro)
                return str(avro["name"])
            case {"type": "record"}:
                self.record(avro)
                return str(avro["name"])
            case _:
                raise SystemExit(f"generate: no Python type for the Avro type {avro!r}")

    def define(self, name: str, avro: Any, code: str) -> None:
        shape = json.dumps({k: v for k, v in avro.items() if k not in {"doc", "default", "namespace"}}, sort_keys=True)
        if self.shape.setdefault(name, shape) != shape:
            raise SystemExit(f"generate: two different types are called {name}")
        self.code.setdefault(name, code)

    def enum(self, avro: Any) -> None:
        lines = [f"class {avro['name']}(StrEnum):", docstring(avro["doc"])]
        lines += [f'    {symbol} = "{symbol}"' for symbol in avro["symbols"]]
        self.enums.add(avro["name"])
        self.define(avro["name"], avro, "\n".join(lines))

    def default(self, avro: Any, value: Any) -> str:
        match avro:
            case {"type": "array"}:
                return "()"
            case {"type": "map", "values": values}:
                return f"field(default_factory=dict[str, {self.annotation(values)}])"
            case {"type": "enum", "name": name}:
                return f"{name}.{value}"
            case {"type": "record", "name": name}:
                return f"field(default_factory=lambda: {name}())"
            case str() if avro in self.enums:
                return f"{avro}.{value}"
            case str() if avro in self.shape:
                return f"field(default_factory=lambda: {avro}())"
            case "bytes":
                return 'b""'
            case _:
                return json.dumps(value) if isinstance(value, str) else repr(value)

    def encode(self, avro: Any, text: str) -> str:
        """Expression that turns the field ``text`` into what an Avro encoder takes."""
        match avro:
            case ["null", other]:
                inner = self.encode(other, text)
                return text if inner == text else f"None if {text} is None else {inner}"
            case {"type": "array", "items": items}:
                inner = self.encode(items, "x")
                return f"list({text})" if inner == "x" else f"[{inner} for x in {text}]"
            case {"type": "map"}:
                return f"dict({text})"
            case {"type": "enum"}:
                return f"{text}.value"
            case {"type": "record"}:
                return f"{text}.as_dict()"
            case str() if avro in self.enums:
                return f"{text}.value"
            case str() if avro in self.shape:
                return f"{text}.as_dict()"
            case _:
                return text

    def decode(self, avro: Any, text: str) -> str:
        """Expression that turns a decoded value back into the field's type."""
        match avro:
            case ["null", other]:
                inner = self.decode(other, text)
                return text if inner == text else f"None if {text} is None else {inner}"
            case {"type": "array", "items": items}:
                inner = self.decode(items, "x")
                return f"tuple({text})" if inner == "x" else f"tuple({inner} for x in {text})"
            case {"type": "enum", "name": name}:
                return f"{name}({text})"
            case {"type": "record", "name": name}:
                return f"{name}.from_dict({text})"
            case str() if avro in self.enums:
                return f"{avro}({text})"
            case str() if avro in self.shape:
                return f"{avro}.from_dict({text})"
            case _:
                return text

    def record(self, avro: Any, fullname: str = "", schema: str = "") -> None:
        fields = avro["fields"]
        annotations = {f["name"]: self.annotation(f["type"]) for f in fields}
        lines = ["@dataclass(frozen=True, slots=True, kw_only=True)", f"class {avro['name']}:", docstring(avro["doc"], fields)]
        if fullname:
            lines += [f"    SCHEMA: ClassVar[str] = {schema!r}", f'    FULLNAME: ClassVar[str] = "{fullname}"', ""]
        for f in fields:
            lines.append(f"    {f['name']}: {annotations[f['name']]} = {self.default(f['type'], f['default'])}")
        lines += ["", "    def as_dict(self) -> dict[str, Any]:", "        return {"]
        lines += [f'            "{f["name"]}": {self.encode(f["type"], "self." + f["name"])},' for f in fields]
        lines += ["        }", "", "    @classmethod", "    def from_dict(cls, fields: Mapping[str, Any]) -> Self:", "        return cls("]
        lines += [f'            {f["name"]}={self.decode(f["type"], f"""fields["{f["name"]}"]""")},' for f in fields]
        lines += ["        )"]
        self.define(avro["name"], avro, "\n".join(lines))


def docstring(text: str, fields: list[Any] | None = None) -> str:
    body = fill(text, 112, initial_indent="    ", subsequent_indent="    ").strip()
    if not fields:
        return f'    """{body}"""\n'
    lines = [f'    """{body}', "", "    Attributes", "    ----------"]
    for f in fields:
        lines += [f"    {f['name']}", fill(f["doc"], 110, initial_indent="        ", subsequent_indent="        ")]
    return "\n".join([*lines, '    """', ""])


def check_rules(path: Path, avro: Any) -> None:
    """Every field needs a default: without one, adding or removing it later breaks FULL_TRANSITIVE."""
    fastavro.parse_schema(avro)
    for f in avro["fields"]:
        if "default" not in f:
            raise SystemExit(f"generate: {path}: field {f['name']} has no default")
        if not f.get("doc"):
            raise SystemExit(f"generate: {path}: field {f['name']} has no doc")


def without_docs(avro: Any) -> Any:
    """The schema without texts for people, as it is embedded and registered."""
    if isinstance(avro, dict):
        return {key: without_docs(value) for key, value in avro.items() if key != "doc"}
    if isinstance(avro, list):
        return [without_docs(item) for item in avro]
    return avro


def generate() -> str:
    """Text of the module."""
    types = Types()
    names: list[str] = []
    for path in sorted((ROOT / "schemas").rglob("*.avsc")):
        avro = json.loads(path.read_text(encoding="utf-8"))
        check_rules(path.relative_to(ROOT), avro)
        if path.stem != avro["name"] or f"edgeloop.{path.parent.name}" != avro["namespace"]:
            raise SystemExit(f"generate: {path}: holds {avro['namespace']}.{avro['name']}")
        schema = json.dumps(without_docs(avro), separators=(",", ":"))
        types.record(avro, f"{avro['namespace']}.{avro['name']}", schema)
        names.append(avro["name"])
    everything = "\n\n\n".join(types.code.values())
    listing = "\n".join(f"    {name}," for name in names)
    exported = "\n".join(f'    "{name}",' for name in sorted(types.code))
    return f"{HEADER}\n__all__ = [\n{exported}\n]\n\n\n{everything}\n\n\nEVENTS = (\n{listing}\n)\n"


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is not up to date")
    arguments = parser.parse_args()
    text = generate()
    if arguments.check:
        if TARGET.read_text(encoding="utf-8") != text:
            print(f"{TARGET.relative_to(ROOT)} is not what schemas/ says: run make generate", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
