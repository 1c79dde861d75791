"""Safety of schemas from outside: bounds on memory, time and stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

MOST_CHARACTERS = 1 << 20
DEEPEST = 64
MOST_EMPTY = 1_000


def parsed_json(text: str) -> Any:
    """A schema without logical types, which only annotate the type below, and without keys that the parser uses itself."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"{len(text)} characters, at most {MOST_CHARACTERS} are read")
    return _stripped(json.loads(text), 0)


def _stripped(avro: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} deep")
    if isinstance(avro, dict):
        parts = cast("dict[str, Any]", avro)
        kept = {key: value for key, value in parts.items() if key != "logicalType" and not key.startswith("__")}
        return {key: value if key == "default" else _stripped(value, depth + 1) for key, value in kept.items()}
    if isinstance(avro, list):
        return [_stripped(item, depth + 1) for item in cast("list[Any]", avro)]
    return avro


@dataclass(slots=True)
class Safety:
    """Check that a parsed schema is safe to read with: a few bytes must not become much memory, time or stack.

    A recursive type can exhaust the stack. Items without bytes can exhaust the memory: five bytes made a list of 30 million. Types
    that name each other twice, some thirty deep, make a record of a thousand million empty fields.

    Attributes
    ----------
    named
        Definitions of the types that are named.
    """

    named: Mapping[str, Any]
    empties: dict[str, int] = field(default_factory=dict[str, int])
    open: list[str] = field(default_factory=list[str])
    why: str = ""

    def fault(self, schema: Any) -> str:
        """Reason of the refusal, or ``""``."""
        empty = self.empty(schema)
        return self.why or (f"a record of {empty} values without bytes" if empty > MOST_EMPTY else "")

    def empty(self, avro: Any) -> int:
        """Largest number of values without a byte in one value of a type."""
        if isinstance(avro, list):
            return max(map(self._in_union, cast("list[Any]", avro)), default=0)
        if isinstance(avro, str):
            return 1 if avro == "null" else self.empty(self.named[avro]) if avro in self.named else 0
        parts = cast("dict[str, Any]", avro)
        match parts.get("type"):
            case "record" | "error":
                return self._once(parts["name"], lambda: sum(self.empty(f["type"]) for f in parts["fields"]) or not parts["fields"])
            case "array":
                return self._repeated(parts["items"])
            case "map":
                return self._repeated(parts["values"])
            case "fixed":
                return int(parts.get("size", 0) <= 0)
            case "enum":
                return 0
            case inner:
                return self.empty(inner)

    def _in_union(self, avro: Any) -> int:
        """Of a branch: its number is a byte, so that a null in a union is not without one."""
        return 0 if avro == "null" else self.empty(avro)

    def _repeated(self, avro: Any) -> int:
        if self.empty(avro):
            self.why = self.why or "an array or map of items that may have no bytes"
        return 0

    def _once(self, name: str, count: Callable[[], int]) -> int:
        if name in self.open:
            self.why = self.why or f"the type {name} contains itself"
            return 0
        if name not in self.empties:
            self.open.append(name)
            self.empties[name] = int(count())
            self.open.pop()
        return self.empties[name]
