"""Rules of the schemas in ``schemas``, and the attributes that we add to their fields.

Attributes of a field that are ours:

``"identity": "always"``
    It says whose record this is: a writer's schema without it is refused, and Python's class has no default for it.
``"identity": "either"``
    At least one of these has to be there.
``"identity": "<field>"``
    It belongs to that field, and has to be there where that one is.
``"null": "default"``
    The default says "unknown": a null of a writer whose fields may all be null is read as it.
``"per_row"``, ``"row_field"``, ``"row_record"``, ``"rows_of"``
    How records hold rows, see ``row_code``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastavro

OUR_OWN = {"doc", "identity", "null", "per_row", "row_field", "row_record", "rows_of"}


def identity(fields: list[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Fields that are always needed; groups of which one is, each headed by the field that the others belong to; and what may be unknown."""
    marks = {f["name"]: f["identity"] for f in fields if "identity" in f}
    always = tuple(name for name, how in marks.items() if how == "always")
    heads = [name for name, how in marks.items() if how == "either"]
    either = tuple((head, *(name for name, how in marks.items() if how == head)) for head in heads)
    if set(marks) != {*always, *(name for group in either for name in group)}:
        raise SystemExit(f"generate: identity is always, either, or the name of a field that is: {marks}")
    return always, either, tuple(f["name"] for f in fields if f.get("null") == "default")


def check_rules(path: Path, avro: Any) -> None:
    """Every field, also of nested records, needs a doc and a default: adding or removing a field without one breaks FULL_TRANSITIVE."""
    fastavro.parse_schema(avro)
    records = {record["name"]: record for record in all_records(avro)}
    fields = [(f"{path}: field {name}.{f['name']}", f) for name, record in records.items() for f in record["fields"]]
    for place, f in fields:
        if "default" not in f:
            raise SystemExit(f"generate: {place} has no default")
        if not f.get("doc"):
            raise SystemExit(f"generate: {place} has no doc")
        if isinstance(f["type"], list) and (len(f["type"]) != 2 or f["type"][0] != "null" or f["default"] is not None):
            raise SystemExit(f'generate: {place}: expected ["null", X] with the default null, given {f["type"]}, {f["default"]!r}')
    for place, f in fields:
        name = f["type"].get("name") if isinstance(f["type"], dict) else f["type"]
        if isinstance(name, str) and name in records and f["default"] != (own := defaults_of(records[name])):
            raise SystemExit(f"generate: {place}: expected the defaults of {name}'s own fields, {own}, given {f['default']}")


def all_records(avro: Any) -> list[Any]:
    """Records that a type defines, those within them included."""
    match avro:
        case [*branches]:
            return [record for branch in branches for record in all_records(branch)]
        case {"type": "record", "fields": fields}:
            return [avro, *(record for f in fields for record in all_records(f["type"]))]
        case {"type": "array", "items": held} | {"type": "map", "values": held}:
            return all_records(held)
        case _:
            return []


def defaults_of(record: Any) -> dict[str, Any]:
    return {f["name"]: f["default"] for f in record["fields"]}


def without_docs(avro: Any) -> Any:
    """The schema without texts for people and what is only ours, as it is read and written with."""
    if isinstance(avro, dict):
        return {key: without_docs(value) for key, value in avro.items() if key not in OUR_OWN}
    if isinstance(avro, list):
        return [without_docs(item) for item in avro]
    return avro
