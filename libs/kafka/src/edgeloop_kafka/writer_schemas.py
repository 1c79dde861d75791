"""Writers' schemas from outside: checked, and bound to this code's schema for reading."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, cast

import fastavro
from edgeloop_contracts import EVENTS, Event
from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidEventError
from fastavro.schema import to_parsing_canonical_form

from edgeloop_kafka.schema_lookup import AVRO, WrittenSchema
from edgeloop_kafka.schema_safety import Safety, parsed_json

KINDS: dict[str, type[Event]] = {kind.FULLNAME: kind for kind in EVENTS}

MESSAGE = 2_000
_UNKNOWN_ITEM = {"string": "", "long": 0, "int": 0, "double": math.nan, "float": math.nan}


class UndecodableError(InvalidEventError):
    """Bytes that are no event of their topic.

    Parameters
    ----------
    reason
        ``NOT_AVRO``, ``UNKNOWN_SCHEMA``, ``UNREADABLE_SCHEMA``, ``WRONG_FORMAT``, ``UNSAFE_SCHEMA``, ``WRONG_TYPE``, ``NO_IDENTITY``,
        ``NULL_VALUE``, ``OUT_OF_RANGE`` or ``TOO_LARGE``.
    message
        Expected and given.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, cut(message, MESSAGE))


def parsed(schema: Any) -> Any:
    """A schema to read with, whose defaults of bytes are bytes: fastavro would give the text of the schema."""
    made: Any = fastavro.parse_schema(schema)
    named: Mapping[str, Any] = made["__named_schemas"]
    for record in (one for one in named.values() if one["type"] == "record"):
        for f in record["fields"]:
            if "default" in f:
                f["default"] = _default(f["type"], f["default"], named)
    return made


def _default(avro: Any, value: Any, named: Mapping[str, Any]) -> Any:
    avro = named.get(avro, avro) if isinstance(avro, str) else avro
    if avro == "bytes":
        return value.encode("latin-1") if isinstance(value, str) else value
    if isinstance(avro, dict) and isinstance(value, dict) and "fields" in avro:
        given = cast("dict[str, Any]", value)
        fields = [f for f in cast("dict[str, Any]", avro)["fields"] if f["name"] in given]
        return given | {f["name"]: _default(f["type"], given[f["name"]], named) for f in fields}
    return value


PARSED: dict[type[Event], Any] = {kind: parsed(json.loads(kind.SCHEMA)) for kind in EVENTS}


@dataclass(frozen=True, slots=True)
class Writer:
    """Reading of records that were written with one schema.

    Attributes
    ----------
    name
        Full name of the record that the schema describes.
    kind
        Event of this code with that name; ``None`` if there is none.
    schema
        What they were written with.
    reader
        What they are read as; ``None`` where that is the same.
    given
        Names of its fields.
    nullable
        Fields that may be null there and not here.
    fault
        Why none of them is an event of ``kind``, with its reason.
    """

    name: str
    kind: type[Event] | None
    schema: Any
    reader: Any = None
    given: frozenset[str] = frozenset()
    nullable: tuple[str, ...] = ()
    fault: UndecodableError | None = None

    def read(self, data: bytes) -> Event:
        """The event in an Avro body; raises whatever broken bytes lead the decoder into, and ``UndecodableError``."""
        kind: Any = self.kind
        fields = read(data, self.schema, self.reader)
        if self.nullable:
            self._replace_nulls(fields, kind)
        return kind.from_dict(fields)

    def _replace_nulls(self, fields: dict[str, Any], kind: type[Event]) -> None:
        """Put what says "unknown" in the place of nulls, where a field knows such a value."""
        defaults = {f["name"]: f["default"] for f in PARSED[kind]["fields"]}
        nulls = {name for name in self.nullable if fields[name] is None}
        heads = [group for group in kind.EITHER if group[0] in self.given - nulls and fields[group[0]] != defaults[group[0]]]
        needed = {*kind.IDENTITY, *(name for group in heads for name in group)}
        said = sorted(name for name in nulls if name in needed or name not in kind.UNKNOWN)
        if said:
            raise UndecodableError("NULL_VALUE", f"{kind.FULLNAME}: expected a value, given null: {', '.join(said)}")
        for name in self.nullable:
            value = fields[name]
            if value is None:
                fields[name] = defaults[name]
            elif isinstance(value, list) and None in value:
                items = cast("list[Any]", value)
                unknown = _unknown_items(kind).get(name)
                if unknown is None:
                    raise UndecodableError("NULL_VALUE", f"{kind.FULLNAME}: expected a value, given null: {name}[{items.index(None)}]")
                fields[name] = [unknown if item is None else item for item in items]
            elif isinstance(value, dict):  # what has no value is left out
                parts = cast("dict[str, Any]", value)
                fields[name] = {key: part for key, part in parts.items() if part is not None}


def read(data: bytes, writer: Any, reader: Any) -> dict[str, Any]:
    """Fields of the record that ``data`` holds, and nothing but it."""
    stream = BytesIO(data)
    fields = fastavro.schemaless_reader(stream, writer, reader)
    if stream.tell() != len(data):
        raise ValueError(f"{len(data) - stream.tell()} bytes follow the record")
    return cast("dict[str, Any]", fields)


def bound(found: WrittenSchema, name: str) -> Writer:
    """Reading of records that were written with a schema.

    Parameters
    ----------
    found
        As a registry has it.
    name
        Of the schema, for messages.

    Raises
    ------
    UndecodableError
        Nothing can be read with it.
    """
    if found.format != AVRO:
        raise UndecodableError("WRONG_FORMAT", f"expected a schema of Avro, {name} is one of {found.format}: use the Avro serializer")
    try:
        named: dict[str, Any] = {}
        for text in found.references:
            fastavro.parse_schema(parsed_json(text), named_schemas=named)
        schema: Any = fastavro.parse_schema(parsed_json(found.text), named_schemas=named)
        if not isinstance(schema, dict) or cast("dict[str, Any]", schema).get("type") not in {"record", "error"}:
            raise UndecodableError("WRONG_TYPE", f"expected a record, {name} is {found.text[:80]}")
        if why := Safety(named).fault(schema):
            raise UndecodableError("UNSAFE_SCHEMA", f"{name}: {why}")
        return _bound_to_kind(cast("dict[str, Any]", schema), name)
    except UndecodableError:
        raise
    except Exception as error:  # a stranger's schema leads the parser into whatever it likes
        raise UndecodableError("UNREADABLE_SCHEMA", f"{name} cannot be read: {error!r}: {found.text[:200]}") from error


def _bound_to_kind(schema: dict[str, Any], name: str) -> Writer:
    kind = KINDS.get(schema["name"])
    if kind is None:
        return Writer(schema["name"], None, schema)
    if to_parsing_canonical_form(schema) == _canonical(kind):
        return Writer(kind.FULLNAME, kind, PARSED[kind])
    given = {f["name"]: f["type"] for f in schema["fields"]}
    fault = UndecodableError("NO_IDENTITY", f"{name}: {why}") if (why := lacking(kind, given)) else None
    plain = {f["name"]: f["type"] for f in json.loads(kind.SCHEMA)["fields"]}
    nullable = tuple(n for n, here in plain.items() if n in given and _nullable_beside(given[n], here))
    reader = _with_nulls(kind, nullable) if nullable else PARSED[kind]
    return Writer(kind.FULLNAME, kind, schema, reader, frozenset(given), nullable, fault)


@cache
def _canonical(kind: type[Event]) -> str:
    return to_parsing_canonical_form(PARSED[kind])


@cache
def fingerprint(kind: type[Event]) -> bytes:
    """SHA-256 of the parsing canonical form of an event's own schema."""
    return hashlib.sha256(_canonical(kind).encode()).digest()


def fingerprint_of(writer: Writer) -> bytes:
    """SHA-256 of the parsing canonical form of the schema that a writer writes with."""
    if writer.kind is not None and writer.reader is None:
        return fingerprint(writer.kind)
    return hashlib.sha256(to_parsing_canonical_form(writer.schema).encode()).digest()


def lacking(kind: type[Event], given: Mapping[str, object]) -> str:
    """Identifying fields that a writer's schema with the fields ``given`` lacks, or ``""``."""
    missing = [name for name in kind.IDENTITY if name not in given]
    heads = [group for group in kind.EITHER if group[0] in given]
    missing += [f"{name} (beside {group[0]})" for group in heads for name in group[1:] if name not in given]
    if kind.EITHER and not heads:
        missing.append(" or ".join(" with ".join(group) for group in kind.EITHER))
    if not missing:
        return ""
    return (
        f"its writer's schema of {kind.FULLNAME} has no {', no '.join(missing)}, and no default says whose record this is: write with the"
        " whole schema (schemas/ in edgeloop's repository), pinned, without auto.register.schemas and use.latest.version"
    )


@cache
def _unknown_items(kind: type[Event]) -> dict[str, Any]:
    """Value of an unknown item: NaN among numbers (a missing feature), else the default of an item."""
    arrays = {f["name"]: f["type"] for f in json.loads(kind.SCHEMA)["fields"] if _is_array(f["type"])}
    items = {name: array["items"] for name, array in arrays.items()}
    return {
        name: _UNKNOWN_ITEM.get(item) if isinstance(item, str) and (name in kind.UNKNOWN or item == "double") else None
        for name, item in items.items()
    }


def null_place(kind: type[Event], writer: Any, data: bytes) -> str:
    """Path of the first null that stands where ``kind`` takes none, or ``""``."""
    parsed = PARSED[kind]
    return _null_in(parsed, read(data, writer, None), parsed["__named_schemas"], "").lstrip(".")


def _null_in(avro: Any, value: Any, named: Mapping[str, Any], path: str) -> str:
    avro = named.get(avro, avro) if isinstance(avro, str) else avro
    if isinstance(avro, list):  # of this code's unions each is null or one other type
        return "" if value is None else next((_null_in(one, value, named, path) for one in cast("list[Any]", avro) if one != "null"), "")
    if value is None:
        return path
    match avro:
        case {"type": "record", "fields": fields} if isinstance(value, dict):
            parts = ((f["type"], f".{f['name']}", cast("dict[str, Any]", value)[f["name"]]) for f in fields if f["name"] in value)
        case {"type": "array", "items": items} if isinstance(value, list):
            parts = ((items, f"[{i}]", item) for i, item in enumerate(cast("list[Any]", value)))
        case {"type": "map", "values": values} if isinstance(value, dict):
            parts = ((values, f"[{key!r}]", part) for key, part in cast("dict[str, Any]", value).items())
        case _:
            return ""
    return next((found for inner, name, part in parts if (found := _null_in(inner, part, named, path + name))), "")


def _is_array(avro: Any) -> bool:
    return isinstance(avro, dict) and cast("dict[str, Any]", avro).get("type") == "array"


def _items(avro: Any) -> Any:
    """Type of an array's items or of a map's values; ``None`` of what is neither."""
    if not isinstance(avro, dict):
        return None
    parts = cast("dict[str, Any]", avro)
    return {"array": parts.get("items"), "map": parts.get("values")}.get(parts["type"])


def _nullable_beside(there: Any, here: Any) -> bool:
    """Whether a field, or an item of it, may be null there and not here."""
    if isinstance(here, list):
        return False
    branches = cast("list[Any]", there) if isinstance(there, list) else [there]
    if "null" in branches:
        return True
    held = _items(here)
    return held is not None and any(
        (items := _items(one)) is not None and one["type"] == here["type"] and _nullable_beside(items, held) for one in branches
    )


def _with_nulls(kind: type[Event], nullable: tuple[str, ...]) -> Any:
    """The schema of this code with nulls in some fields and their items."""
    schema = json.loads(kind.SCHEMA)
    for one in schema["fields"]:
        if one["name"] in nullable:
            avro = one["type"]
            items = _items(avro)
            if items is not None and not isinstance(items, list):
                avro = avro | {"values" if avro["type"] == "map" else "items": ["null", items]}
            one["type"] = [avro, "null"]
    return parsed(schema)
