"""Layout of flat Avro records: fields of a writer's schema, and the bytes in which their values stand.

Records of one producer differ in their values and rarely in their shape, and the shape assigns bytes to fields. All records of a shape
are read in the same way; see :mod:`edgeloop_kafka.columns`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import numpy as np
from edgeloop_errors import InvalidError
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
_MAX_VARINT = 9  # bytes; a tenth could overflow


class NotUniformError(InvalidError):
    """Records that have to be decoded one by one."""


class Encoding(Enum):
    """Encodings of a value in the bytes of a record."""

    TEXT = "string"
    BYTES = "bytes"
    LONG = "long"
    INT = "int"
    BOOLEAN = "boolean"
    DOUBLE = "double"
    FLOAT = "float"
    DOUBLES = "doubles"


# Bits that may differ between records of a shape: all bits of a value, and of a varint all but the continuation bits.
_FREE = {Encoding.LONG: 0x7F, Encoding.INT: 0x7F, Encoding.BOOLEAN: 0x01}
# What may be read as what: bytes on the wire are the same.
_READ_AS = {("int", "long"): "long", ("bytes", "string"): "string"}


_SCALARS = frozenset(Encoding) - {Encoding.DOUBLES}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the writer's schema.

    Attributes
    ----------
    name
        Of the field of the event that it is read as; ``""`` where the event has none.
    encoding
        Of its values.
    null
        Branch of its union that is null; -1 where it is no union.
    nullable
        Whether the event's field takes null.
    """

    name: str
    encoding: Encoding
    null: int
    nullable: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a field: where it starts, where its value begins and ends; ``null`` where it has none."""

    start: int
    begin: int
    end: int
    null: bool = False


Shape = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Fields of a writer's schema in their order, and the values of what it lacks."""

    fields: tuple[Field, ...]
    defaults: Mapping[str, Any]

    def shape_of(self, body: bytes) -> Shape:
        """Spans of the fields in a record.

        Raises
        ------
        NotUniformError, IndexError
            It is damaged, or an array has more than one block.
        """
        spans: list[Span] = []
        at = 0
        for field in self.fields:
            start = at
            if field.null >= 0:
                branch, at = long_at(body, at)
                if branch == field.null:
                    if field.name and not field.nullable:
                        raise NotUniformError(f"null in {field.name}")
                    spans.append(Span(start, at, at, null=True))
                    continue
                if branch != 1 - field.null:
                    raise NotUniformError("no such branch")
            begin, end, at = _ENDS[field.encoding](body, at)
            spans.append(Span(start, begin, end))
        if at != len(body):
            raise NotUniformError("bytes after the record")
        return tuple(spans)

    def fixed_bits(self, shape: Shape, length: int) -> Bytes:
        """Bits that are the same in all records of a shape."""
        bits = np.full(length, 0xFF, np.uint8)
        for field, span in zip(self.fields, shape, strict=True):
            bits[span.begin : span.end] = 0xFF ^ _FREE.get(field.encoding, 0xFF)
        return bits


def layout_of(writer: Mapping[str, Any], reader: Mapping[str, Any]) -> Layout | None:
    """Layout of a writer's records for reading with another parsed schema; its defaults of bytes are bytes. ``None`` if a field is no
    flat value or changes its type.
    """
    wanted = {f["name"]: f for f in reader["fields"]}
    fields: list[Field] = []
    for f in writer["fields"]:
        there, null = _without_null(f["type"])
        own = wanted.pop(f["name"], None)
        here, own_null = _without_null(own["type"]) if own else (there, -1)
        encoding = _encoding(_READ_AS.get((there, here), there) if isinstance(there, str) and isinstance(here, str) else there)
        if encoding is None or _encoding(here) is not encoding or (encoding is Encoding.DOUBLES and null >= 0):
            return None
        fields.append(Field(f["name"] if own else "", encoding, null, own_null >= 0))
    if not all(_encoding(_without_null(f["type"])[0]) in _SCALARS for f in wanted.values()):
        return None
    return Layout(tuple(fields), {name: f["default"] for name, f in wanted.items()})


def _without_null(avro: Any) -> tuple[Any, int]:
    """The type beside null in a union of two, and null's branch; other types as they are."""
    if isinstance(avro, list) and len(cast("list[Any]", avro)) == 2 and "null" in avro:
        branches = cast("list[Any]", avro)
        null = branches.index("null")
        return branches[1 - null], null
    return avro, -1


def _encoding(avro: Any) -> Encoding | None:
    if isinstance(avro, dict):
        parts = cast("dict[str, Any]", avro)
        if parts.get("type") == "array":
            return Encoding.DOUBLES if parts["items"] == "double" else None
        return _encoding(parts.get("type"))
    return next((one for one in Encoding if one.value == avro and one is not Encoding.DOUBLES), None)


def long_at(body: bytes, at: int) -> tuple[int, int]:
    """Value of a varint, and the place after it."""
    first = body[at]
    if first < 0x80:
        return first >> 1 ^ -(first & 1), at + 1
    end = _varint_end(body, at)
    value = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(body[at:end]))
    return (value >> 1) ^ -(value & 1), end


def readers(fields: Sequence[Field], shape: Shape, heads: Sequence[int]) -> list[tuple[str, Callable[[bytes], Any]]]:
    """Names of some fields and functions that read their values, from what :func:`heads_of` gives of these fields."""
    found: list[tuple[str, Callable[[bytes], Any]]] = []
    at = 0
    for field, span in ((fields[i], shape[i]) for i in heads):
        found.append(
            (
                field.name,
                _reader(_no_value if span.null else _VALUES[field.encoding], at + span.begin - span.start, at + span.end - span.start),
            )
        )
        at += span.end - span.start
    return found


def _reader(value: Callable[[bytes], Any], begin: int, end: int) -> Callable[[bytes], Any]:
    return lambda data: value(data[begin:end])


def _no_value(_: bytes) -> None:
    return None


def _long(data: bytes) -> int:
    return long_at(data, 0)[0]


def _varint_end(body: bytes, at: int) -> int:
    for end in range(at, at + _MAX_VARINT):
        if body[end] < 0x80:
            return end + 1
    raise NotUniformError("a long varint")


Ends = tuple[int, int, int]


def _text_at(body: bytes, at: int) -> Ends:
    length, begin = long_at(body, at)
    if length < 0 or begin + length > len(body):
        raise NotUniformError("no text")
    return begin, begin + length, begin + length


def _varint_at(body: bytes, at: int) -> Ends:
    end = _varint_end(body, at)
    return at, end, end


def _boolean_at(body: bytes, at: int) -> Ends:
    if body[at] > 1:
        raise NotUniformError("no boolean")
    return at, at + 1, at + 1


def _bytes_at(size: int) -> Callable[[bytes, int], Ends]:
    def ends(body: bytes, at: int) -> Ends:
        if at + size > len(body):
            raise NotUniformError("no number")
        return at, at + size, at + size

    return ends


def _doubles_at(body: bytes, at: int) -> Ends:
    count, begin = long_at(body, at)
    end = begin + 8 * count
    if count == 0:
        return begin, begin, begin
    if count < 0 or body[end] != 0:
        raise NotUniformError("no single block of an array")
    return begin, end, end + 1


_ENDS: Mapping[Encoding, Callable[[bytes, int], Ends]] = {
    Encoding.TEXT: _text_at,
    Encoding.BYTES: _text_at,
    Encoding.LONG: _varint_at,
    Encoding.INT: _varint_at,
    Encoding.BOOLEAN: _boolean_at,
    Encoding.DOUBLE: _bytes_at(8),
    Encoding.FLOAT: _bytes_at(4),
    Encoding.DOUBLES: _doubles_at,
}


_VALUES: Mapping[Encoding, Callable[[bytes], Any]] = {
    Encoding.TEXT: bytes.decode,
    Encoding.BYTES: bytes,
    Encoding.LONG: _long,
    Encoding.INT: _long,
    Encoding.BOOLEAN: lambda data: data != b"\0",
    Encoding.DOUBLE: lambda data: struct.unpack("<d", data)[0],
    Encoding.FLOAT: lambda data: struct.unpack("<f", data)[0],
    Encoding.DOUBLES: lambda data: tuple(np.frombuffer(data, "<f8").tolist()),
}


def cut(matrix: Bytes, begin: int, end: int) -> list[bytes]:
    """Bytes ``[begin, end)`` of each record."""
    data, width = matrix[:, begin:end].tobytes(), end - begin
    return [data[at : at + width] for at in range(0, len(data), width)]


def heads_of(matrix: Bytes, spans: Sequence[Span]) -> list[bytes]:
    """Bytes of some whole fields of each record, one behind the other."""
    first, last = spans[0], spans[-1]
    if last.end - first.start == sum(span.end - span.start for span in spans):
        return cut(matrix, first.start, last.end)
    parts = [matrix[:, span.start : span.end] for span in spans]
    joined = np.concatenate(parts, axis=1)
    return cut(joined, 0, joined.shape[1])
