"""Rows of batch records: types and functions of the generated methods ``slice``, ``concat``, ``from_row`` and ``from_columns``.

A batch record holds rows of one device, field by field. ``per_row`` in its schema marks a field that belongs to single rows. A field
without it has one value for all rows.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any, ClassVar, Protocol, Self, TypeVar

T = TypeVar("T")


class PerRow(StrEnum):
    """Relation of a field of a batch to its rows."""

    COUNT = "count"
    """Number of rows."""
    FIRST = "first"
    """Number of the first row; row i has this + i. Negative if rows have no numbers."""
    PACKED = "packed"
    """Bytes, equally many for each row."""
    EACH = "each"
    """One item for each row."""
    OPTIONAL = "optional"
    """One item for each row, or no item if every row has the empty value."""


class Batch(Protocol):
    """A record that holds rows.

    Attributes
    ----------
    ROW_FIELDS
        Fields that belong to single rows, with their relation.
    SHARED
        Fields that have one value for all rows.
    """

    ROW_FIELDS: ClassVar[Mapping[str, PerRow]]
    SHARED: ClassVar[tuple[str, ...]]

    @property
    def rows(self) -> int:
        """Number of rows."""
        ...

    def slice(self, first: int, end: int) -> Self:
        """Rows ``[first, end)``."""
        ...

    def follows(self, before: Self) -> bool:
        """True if this batch continues ``before``: equal shared fields, consecutive numbers, rows of equal width."""
        ...


B = TypeVar("B", bound=Batch)


class RowColumns(Protocol):
    """Rows of single-row records, field by field."""

    def one(self, name: str, row: int) -> Any:
        """Value of a field in one row."""
        ...

    def values(self, name: str, first: int, end: int) -> tuple[Any, ...]:
        """Values of a field in the rows ``[first, end)``."""
        ...

    def packed(self, name: str, first: int, end: int) -> bytes:
        """Numbers of an array field in the rows ``[first, end)``, as little-endian float32."""
        ...

    def runs(self, number: str, shared: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Longest ranges of rows that have consecutive numbers and agree in the fields ``shared``."""
        ...


def slices(batch: B, rows: int) -> Iterator[B]:
    """The batch in pieces of at most ``rows`` rows."""
    for first in range(0, batch.rows, rows):
        yield batch.slice(first, min(first + rows, batch.rows))


def check_consecutive(parts: Sequence[Batch]) -> None:
    """Refuse batches that are not one run of rows.

    Raises
    ------
    ValueError
        A part does not continue the part before it.
    """
    for place, (before, after) in enumerate(pairwise(parts), 1):
        if not after.follows(before):
            raise ValueError(f"batch {place}: expected rows that continue batch {place - 1}, given {after!r:.200} after {before!r:.200}")


def number_of(first: int, row: int) -> int:
    """Number of a row, where the first row has the number ``first``; rows without numbers have none."""
    return first + row if first >= 0 else first


def not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    """Items of an optional field; none if every row has the empty value."""
    return values if any(values) else ()


def joined(parts: Sequence[tuple[tuple[T, ...], int]], empty: T) -> tuple[T, ...]:
    """Items of an optional field of several batches, each given with its number of rows."""
    if not any(values for values, _ in parts):
        return ()
    return not_empty(tuple(value for values, rows in parts for value in values or (empty,) * rows))


def packed(values: Sequence[float]) -> bytes:
    """Numbers as little-endian float32; a number beyond its range becomes infinite.

    >>> packed((1.0, 1e300)).hex()
    '0000803f0000807f'
    """
    numbers = array("f", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def longest(texts: Sequence[str]) -> int:
    """Characters of the longest text."""
    return max(map(len, texts), default=0)
