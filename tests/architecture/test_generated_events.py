"""The generator makes typed events of nested records and of fields that may be null, and refuses schemas that could not change later."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
spec = importlib.util.spec_from_file_location("generate", ROOT / "tools/generate.py")
assert spec
assert spec.loader
generate: Any = importlib.util.module_from_spec(spec)
sys.modules["generate"] = generate
spec.loader.exec_module(generate)


def field(name: str, avro: Any, default: Any = None, doc: str = "A field.") -> dict[str, Any]:
    return {"name": name, "type": avro, "doc": doc, "default": default}


def record(name: str, *fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "edgeloop.toy", "doc": "A record.", "fields": list(fields)}


PART = record("Part", field("size", "int", 0), field("origin", ["null", "string"]))
KIND = {"type": "enum", "name": "Kind", "doc": "Kinds.", "symbols": ["A", "B"], "default": "A"}
TOY = record(
    "Toy",
    field("part", PART, {"size": 0, "origin": None}),
    field("spare", ["null", "Part"]),
    field("kind", ["null", KIND]),
    field("count", ["null", "int"]),
    field("names", ["null", {"type": "array", "items": "string"}]),
    field("parts", {"type": "array", "items": "Part"}, []),
)


def made(avro: dict[str, Any]) -> dict[str, Any]:
    """Classes generated from a schema."""
    types = generate.Types()
    types.record(avro, "edgeloop.toy.Toy", json.dumps(generate.without_docs(avro)))
    space: dict[str, Any] = {"__name__": "generate"}
    exec(generate.HEADER + "\n\n".join(types.code.values()), space)
    return space


def test_a_nullable_field_is_none_unless_it_is_given() -> None:
    toy = made(TOY)["Toy"]()
    assert (toy.spare, toy.kind, toy.count, toy.names) == (None, None, None, None)
    assert toy.part.origin is None


def test_nested_and_nullable_values_survive_a_round_trip() -> None:
    space = made(TOY)
    toy_class, part, kind = space["Toy"], space["Part"], space["Kind"]
    toy = toy_class(part=part(size=1), spare=part(origin="here"), kind=kind.B, count=2, names=("x",), parts=(part(size=3),))
    fields = toy.as_dict()
    assert (fields["spare"], fields["kind"], fields["names"]) == ({"size": 0, "origin": "here"}, "B", ["x"])
    assert toy_class.from_dict(fields) == toy
    assert toy_class.from_dict(toy_class().as_dict()) == toy_class()


def test_a_number_beyond_its_type_is_named_by_its_path_inside_what_may_be_null() -> None:
    space = made(TOY)
    assert space["Toy"](spare=space["Part"](size=2**31)).fault() == "spare.size"
    assert space["Toy"](count=2**31).fault() == "count"
    assert space["Toy"]().fault() == ""


@pytest.mark.parametrize(
    ("avro", "why"),
    [
        (record("Toy", field("x", record("Part", {"name": "y", "type": "int", "doc": "Y."}), {})), "field Part.y has no default"),
        (record("Toy", field("x", record("Part", field("y", "int", 0, "")), {"y": 0})), "field Part.y has no doc"),
        (record("Toy", field("x", ["int", "null"], 0)), "Toy.x: expected"),
        (record("Toy", field("x", ["null", "int", "string"])), "Toy.x: expected"),
        (record("Toy", field("x", record("Part", field("y", "int", 0)), {"y": 1})), "Toy.x: expected the defaults of Part's own fields"),
    ],
)
def test_a_schema_that_breaks_a_rule_is_refused(avro: dict[str, Any], why: str) -> None:
    with pytest.raises(SystemExit, match=why):
        generate.check_rules(Path("Toy.avsc"), avro)
