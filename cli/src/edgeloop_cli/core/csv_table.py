"""A CSV as a stream: numeric features, and a label that may be text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from edgeloop_contracts import Feature, RegisterStream, RegistryState, StreamTask
from edgeloop_registry.core.definitions import MAX_CLASSES, MAX_FEATURES, DefinitionRefused, define
from numpy.typing import NDArray

MOST_NAMES = 512 << 10  # bytes
AT_ONCE = 5_000  # rows
_MISSING = frozenset({"", "nan"})


class BadTableError(Exception):
    """The CSV cannot be played; the message names row and column. Rows count from 1, without the header."""


@dataclass(frozen=True, slots=True)
class StreamTable:
    """The rows of a stream.

    Attributes
    ----------
    names
        Names of the F features, in the order of the file.
    features
        Shape [N, F], float32; NaN where a cell was empty.
    nullable
        By feature: whether any row has none.
    label
        Name of the label's column.
    labels
        Text of each row's label.
    tolerance
        Of labels that are numbers: how far an answer that counts as right may be from them; 0 for classes.
    """

    names: tuple[str, ...]
    features: NDArray[np.float32]
    nullable: tuple[bool, ...]
    label: str
    labels: tuple[str, ...]
    tolerance: float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """The different labels, sorted as text; none where they are numbers."""
        return () if self.tolerance else tuple(sorted(set(self.labels)))

    def first(self, rows: int) -> StreamTable:
        """The table without what follows its first rows; whether a feature may be missing stays as in the whole."""
        return replace(self, features=self.features[:rows], labels=self.labels[:rows])


def parse(lines: Iterable[str], label: str) -> StreamTable:
    """Read a table.

    Parameters
    ----------
    lines
        Of the CSV, header first.
    label
        Name of the label's column; every other column is a feature.

    Raises
    ------
    BadTableError
        Empty, ragged, without that label, or with text where numbers belong.
    """
    reader = csv.reader(lines)
    labels: list[str] = []
    parts: list[NDArray[np.float32]] = []
    try:
        header = _header(next(reader, []), label)
        rows = _rows(reader, header)
        while some := list(islice(rows, AT_ONCE)):  # as text, a table takes twenty times the memory
            columns = dict(zip(header, zip(*some, strict=True), strict=True))
            texts = [text.strip() for text in columns.pop(label)]
            if "" in texts:
                raise BadTableError(f"row {len(labels) + texts.index('') + 1}, column {label!r}: the label is empty")
            part = np.empty((len(some), len(columns)), dtype=np.float32)
            for number, (name, cells) in enumerate(columns.items()):
                part[:, number] = _numbers(name, cells, len(labels))
            labels += texts
            parts.append(part)
    except csv.Error as error:
        raise BadTableError(f"line {reader.line_num}: {error}") from error
    if not parts:
        raise BadTableError("there is a header, and no rows")
    features = np.concatenate(parts)
    names = tuple(name for name in header if name != label)
    return StreamTable(names, features, tuple(bool(np.isnan(column).any()) for column in features.T), label, tuple(labels))


def check_playable(table: StreamTable, warmup: int) -> None:
    """Make sure that there are rows for a first model, one that is left to play, and anything to tell apart.

    Raises
    ------
    BadTableError
        There are not.
    """
    if warmup < 2 or warmup >= len(table):
        raise BadTableError(f"of {len(table)} rows {warmup} would be warm-up: at least 2 are needed, and one must be left to play")
    if len(set(table.labels)) < 2:
        raise BadTableError(
            f"column {table.label!r}: all {len(table)} rows have the label {table.labels[0]!r}; expected two different ones or more"
        )
    known = table.features[:warmup]
    if np.array_equal(known, np.broadcast_to(known[0], known.shape), equal_nan=True):
        raise BadTableError(
            f"rows 1 to {warmup}: no feature changes in the warm-up, so that nothing is known of any; it must reach further"
        )


def definition(tenant: str, stream: str, table: StreamTable) -> RegisterStream:
    """The command that defines a table's stream."""
    features = tuple(Feature(name=name, nullable=nullable) for name, nullable in zip(table.names, table.nullable, strict=True))
    return RegisterStream(
        tenant=tenant,
        stream=stream,
        features=features,
        label=table.label,
        classes=table.classes,
        task=StreamTask.REGRESSION if table.tolerance else StreamTask.CLASSIFICATION,
        tolerance=table.tolerance,
    )


def check_definition(table: StreamTable) -> None:
    """Make sure that the registry would take the table's stream, so that nothing is tried that could not be run.

    Raises
    ------
    BadTableError
        It would not: a name is too long or not printable, there are too many classes, or all names together are too long.
    """
    if len(table.classes) > MAX_CLASSES:
        raise BadTableError(
            f"column {table.label!r}: {len(table.classes):,} different labels; a stream has at most {MAX_CLASSES:,} classes, "
            "and for labels that are numbers there is --task regression"
        )
    size = sum(len(name.encode()) for name in (*table.names, *table.classes))
    if size > MOST_NAMES:
        raise BadTableError(f"the names of features and classes take {size:,} bytes together; at most {MOST_NAMES:,} fit into a definition")
    try:
        define(definition("default", "stream", table), RegistryState())
    except DefinitionRefused as refused:
        raise BadTableError(refused.message) from None


def _header(cells: Sequence[str], label: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise BadTableError("the file is empty; expected a header line with the columns' names")
    if "" in header:
        raise BadTableError(f"header: column {header.index('') + 1} has no name")
    if len(header) - 1 > MAX_FEATURES:
        raise BadTableError(f"header: {len(header):,} columns; a stream has at most {MAX_FEATURES:,} features, and the label")
    if len(set(header)) < len(header):
        twice = next(name for place, name in enumerate(header) if name in header[:place])
        raise BadTableError(f"header: two columns are called {twice!r}")
    if label not in header:
        shown = ", ".join(header[:8]) + (f", … ({len(header)} columns)" if len(header) > 8 else "")
        raise BadTableError(f"header: no column is called {label!r}, the label; there are {shown}")
    if len(header) == 1:
        raise BadTableError(f"header: besides the label {label!r} there is no column, so no feature")
    return header


def _rows(reader: Iterable[list[str]], header: Sequence[str]) -> Iterator[list[str]]:
    width, blank = len(header), 0
    for number, row in enumerate(reader, 1):
        if not row:  # blank lines at the end do no harm
            blank = blank or number
            continue
        if blank:
            raise BadTableError(f"row {blank}: the line is blank")
        if len(row) != width:
            place = f"column {header[len(row)]!r} is missing" if len(row) < width else f"cell {width + 1} is too much"
            raise BadTableError(f"row {number}: {len(row)} cells where the header has {width}; {place}")
        yield row


def _numbers(name: str, cells: Sequence[str], before: int) -> NDArray[np.float32]:
    """Cells as float32; ``before`` rows came before them."""
    try:
        exact = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        numbered = enumerate(cells, before + 1)
        exact = np.fromiter((_number(name, row, cell) for row, cell in numbered), dtype=np.float64, count=len(cells))
    with np.errstate(over="ignore"):
        values = exact.astype(np.float32)
    if np.isinf(values).any():
        place = int(np.argmax(np.isinf(values)))
        raise BadTableError(f"row {before + place + 1}, column {name!r}: {cells[place]!r} is no finite float32")
    return values


def _number(name: str, row: int, cell: str) -> float:
    text = cell.strip()
    if text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise BadTableError(
            f"row {row}, column {name!r}: expected a number or nothing, given {cell[:40]!r}; text features are not supported"
        ) from None
