"""Bulk decoding: records of one shape are a matrix of bytes, and their fields are its columns.

Records that are not uniform (several array blocks, many shapes, damaged bytes) go to the decoder of single records, which names the
fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any, Generic, TypeVar, cast

import numpy as np
from edgeloop_contracts import Event
from numpy.typing import NDArray

from edgeloop_kafka.record_layout import Bytes, Encoding, Field, Layout, NotUniformError, Shape, Span, cut, heads_of, readers

MAX_SHAPES = 16
_INT = 2**31
_WEIGHTS = 1 << 7 * np.arange(9, dtype=np.int64)  # of the bytes of a varint

Longs = NDArray[np.int64]
Column = NDArray[Any] | list[Any]
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Columns(Generic[E]):
    """Records that agree in some fields, field by field, in the order in which they came.

    Attributes
    ----------
    kind
        Event that each of them is.
    places
        int64 [n]: where each record stands in what was read.
    shared
        Values that all have.
    varied
        Values of each record: numbers as an array [n], arrays of numbers as float64 [n, F], all else as a list.
    """

    kind: type[E]
    places: Longs
    shared: Mapping[str, Any]
    varied: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.places)

    def one(self, name: str, row: int) -> Any:
        """Value of a field in one record."""
        if name in self.shared:
            return self.shared[name]
        column = self.varied[name]
        if isinstance(column, list):
            return column[row]
        return tuple(column[row].tolist()) if column.ndim > 1 else column[row].item()

    def values(self, name: str, first: int, end: int) -> tuple[Any, ...]:
        """Values of a field in the records ``[first, end)``."""
        if name in self.shared:
            return (self.shared[name],) * (end - first)
        column = self.varied[name][first:end]
        return tuple(column if isinstance(column, list) else column.tolist())

    def packed(self, name: str, first: int, end: int) -> bytes:
        """Numbers of an array field in the records ``[first, end)``, as little-endian float32."""
        with np.errstate(over="ignore"):
            return np.asarray(self.varied[name][first:end]).astype("<f4").tobytes()

    def longs(self, name: str) -> Longs:
        """An integer field, int64 [n]."""
        if name in self.shared:
            return np.full(len(self), self.shared[name], np.int64)
        return cast("Longs", self.varied[name])

    def runs(self, number: str, shared: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Longest ranges of records that have consecutive numbers and agree in the fields ``shared``."""
        breaks = np.diff(self.longs(number)) != 1
        for column in (self.varied[name] for name in shared if name in self.varied):
            breaks |= _changes(column)
        yield from pairwise([0, *(np.flatnonzero(breaks) + 1).tolist(), len(self)])

    def with_values(self, **values: Any) -> Columns[E]:
        """The records with other values of some fields: an array or list has one for each record, anything else is shared."""
        varied = {name: value for name, value in values.items() if isinstance(value, np.ndarray | list)}
        shared = {name: value for name, value in values.items() if name not in varied}
        kept = {name: column for name, column in self.varied.items() if name not in values}
        agreed = {name: value for name, value in self.shared.items() if name not in values}
        return replace(self, shared=agreed | shared, varied=kept | varied)

    def event(self, row: int) -> E:
        """One record as the event that it is."""
        return self.kind.from_dict({name: self.one(name, row) for name in (*self.shared, *self.varied)})


def read_columns(kind: type[E], layout: Layout, bodies: Sequence[bytes], by: Sequence[str]) -> list[Columns[E]]:
    """Columns of the records that agree in the fields ``by``, in the order of their first records.

    Parameters
    ----------
    kind
        Event that they are read as.
    layout
        Of their writer's schema.
    bodies
        Avro bodies.

    Raises
    ------
    NotUniformError
        Some are damaged or of no plain shape; nothing is said of the others.
    """
    reader = _Reader(kind, layout, [i for i, field in enumerate(layout.fields) if field.name in by])
    lengths = np.fromiter(map(len, bodies), np.int64, len(bodies))
    found: dict[bytes, list[Columns[E]]] = {}
    try:
        for length in dict.fromkeys(lengths.tolist()):
            places = np.flatnonzero(lengths == length)
            own = bodies if len(places) == len(bodies) else [bodies[place] for place in places.tolist()]
            for head, part in reader.read(b"".join(own), places, length):
                found.setdefault(head, []).append(part)
    except (IndexError, UnicodeDecodeError) as error:
        raise NotUniformError(str(error)) from error
    return sorted(map(_joined, found.values()), key=lambda columns: int(columns.places[0]))


@dataclass(frozen=True, slots=True)
class _Reader(Generic[E]):
    """Reads records of one layout; ``heads`` are the places of the fields by which they are grouped."""

    kind: type[E]
    layout: Layout
    heads: list[int]

    def read(self, data: bytes, places: Longs, length: int) -> Iterator[tuple[bytes, Columns[E]]]:
        """Records that are equally long, by shape and group."""
        matrix = np.frombuffer(data, np.uint8).reshape(len(places), length)
        for _ in range(MAX_SHAPES):
            first = matrix[0]
            shape = self.layout.shape_of(first.tobytes())
            same = ((matrix ^ first) & self.layout.fixed_bits(shape, length) == 0).all(axis=1)
            if same.all():
                yield from self._groups(matrix, places, shape)
                return
            yield from self._groups(matrix[same], places[same], shape)
            matrix, places = matrix[~same], places[~same]
        raise NotUniformError("too many shapes")

    def _groups(self, matrix: Bytes, places: Longs, shape: Shape) -> Iterator[tuple[bytes, Columns[E]]]:
        rows_of: defaultdict[bytes, list[int]] = defaultdict(list)
        for row, head in enumerate(heads_of(matrix, [shape[i] for i in self.heads])):
            rows_of[head].append(row)
        if len(rows_of) > 1:  # the records of each group next to one another
            order = np.fromiter(chain.from_iterable(rows_of.values()), np.int64, len(places))
            matrix, places = matrix[order], places[order]
        fields = list(zip(self.layout.fields, shape, strict=True))
        varied = {field.name: _column(matrix, field, span) for i, (field, span) in enumerate(fields) if field.name and i not in self.heads}
        named = readers(self.layout.fields, shape, self.heads)
        end = 0
        for head, rows in rows_of.items():
            own = slice(end, end + len(rows))
            end = own.stop
            shared = {**self.layout.defaults, **{name: value(head) for name, value in named}}
            yield head, Columns(self.kind, places[own], shared, {name: column[own] for name, column in varied.items()})


def _joined(parts: list[Columns[E]]) -> Columns[E]:
    """Records of one group that had several shapes, in their order."""
    first = parts[0]
    if len(parts) == 1:
        return first
    places = np.concatenate([part.places for part in parts])
    order = np.argsort(places)
    varied = {name: _in_order([part.varied[name] for part in parts], order) for name in first.varied}
    return Columns(first.kind, places[order], first.shared, varied)


def _in_order(parts: list[Column], order: Longs) -> Column:
    if all(isinstance(part, list) for part in parts):
        values = [value for part in parts for value in part]
        return [values[place] for place in order.tolist()]
    arrays = cast("list[NDArray[Any]]", parts)
    if len({part.shape[1:] for part in arrays}) > 1:
        raise NotUniformError("arrays of different length")
    return np.concatenate(arrays)[order]


def _changes(column: Column) -> NDArray[np.bool_]:
    """Bool [n - 1]: where the next value is another."""
    if not isinstance(column, list):
        return np.diff(column) != 0
    if column.count(column[0]) == len(column):
        return np.zeros(len(column) - 1, np.bool_)
    return np.fromiter((one != other for one, other in pairwise(column)), np.bool_, len(column) - 1)


def _column(matrix: Bytes, field: Field, span: Span) -> Column:
    """Values of a field; a list where it may be null."""
    if span.null:
        return [None] * len(matrix)
    column = _values(matrix, field.encoding, span)
    return column.tolist() if field.nullable and not isinstance(column, list) else column


def _values(matrix: Bytes, encoding: Encoding, span: Span) -> Column:
    match encoding:
        case Encoding.LONG:
            return _longs(matrix, span)
        case Encoding.INT:
            values = _longs(matrix, span)
            if not (values.min() >= -_INT and values.max() < _INT):
                raise NotUniformError("beyond an Avro int")
            return values
        case Encoding.TEXT:
            return _texts(matrix, span)
        case Encoding.BYTES:
            return cut(matrix, span.begin, span.end) if span.begin < span.end else [b""] * len(matrix)
        case Encoding.BOOLEAN:
            return matrix[:, span.begin] != 0
        case Encoding.DOUBLES:
            return np.ascontiguousarray(matrix[:, span.begin : span.end]).view("<f8")
        case Encoding.DOUBLE:
            return np.ascontiguousarray(matrix[:, span.begin : span.end]).view("<f8")[:, 0]
        case Encoding.FLOAT:
            return np.ascontiguousarray(matrix[:, span.begin : span.end]).view("<f4")[:, 0].astype(np.float64)


def _longs(matrix: Bytes, span: Span) -> Longs:
    parts = (matrix[:, span.begin : span.end] & 0x7F).astype(np.int64)
    value = parts @ _WEIGHTS[: span.end - span.begin]
    return (value >> 1) ^ -(value & 1)


def _texts(matrix: Bytes, span: Span) -> list[str]:
    if span.begin == span.end:
        return [""] * len(matrix)
    texts = cut(matrix, span.begin, span.end)
    if texts.count(texts[0]) == len(texts):
        return [texts[0].decode()] * len(texts)
    return [text.decode() for text in texts]
