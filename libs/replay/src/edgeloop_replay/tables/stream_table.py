"""The rows of a stream as a table, parsed from CSV lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from edgeloop_contracts import Feature, RegisterStream, RegistryState, StreamTask
from edgeloop_registry.core.definitions import MAX_CLASSES, MAX_FEATURES, MOST_TEXT, DefinitionRefusedError, define
from numpy.typing import NDArray

from edgeloop_replay.errors import BadTableError
from edgeloop_replay.tables.column_report import Column, problem_text, quoted
from edgeloop_replay.tables.columns import Columns
from edgeloop_replay.tables.csv_options import CsvOptions

AT_ONCE = 5_000  # rows


@dataclass(frozen=True, slots=True)
class StreamTable:
    """The rows of a stream.

    Attributes
    ----------
    names
        Names of the F features, in the order of the file.
    features
        Shape [N, F], float32; the index of a category, -1 for an unknown one; NaN where a cell says nothing.
    nullable
        By feature: whether any row has none.
    label
        Name of the label's column.
    labels
        Text of each row's label; empty where there is none.
    tolerance
        Of labels that are numbers: how far an answer that counts as right may be from them; 0 for classes.
    categories
        By feature: its categories, none for a number; empty if all are numbers.
    times
        int64 [N]: when each row was seen, milliseconds since 1970, 0 where that is unknown; ``None`` if it is of all.
    columns
        How the columns of a file were taken.
    """

    names: tuple[str, ...]
    features: NDArray[np.float32]
    nullable: tuple[bool, ...]
    label: str
    labels: tuple[str, ...]
    tolerance: float = 0.0
    categories: tuple[tuple[str, ...], ...] = ()
    times: NDArray[np.int64] | None = None
    columns: tuple[Column, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """The different labels, sorted as text; none where they are numbers."""
        return () if self.tolerance else tuple(sorted(set(self.labels) - {""}))

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of categories of each feature, 0 for a number; empty if all are numbers."""
        counts = tuple(map(len, self.categories))
        return counts if any(counts) else ()

    def labelled(self, first: int, end: int) -> int:
        """Number of labelled rows among some rows."""
        return sum(1 for label in self.labels[first:end] if label)

    def first(self, rows: int) -> StreamTable:
        """The table without what follows its first rows; whether a feature may be missing stays as in the whole."""
        times = None if self.times is None else self.times[:rows]
        return replace(self, features=self.features[:rows], labels=self.labels[:rows], times=times)


def parse(lines: Iterable[str], reading: CsvOptions) -> StreamTable:
    """Read a table.

    Parameters
    ----------
    lines
        Of the CSV, header first.
    reading
        How to take its columns.

    Raises
    ------
    BadTableError
        Empty, ragged, without a column that is named, or with columns that are neither numbers nor categories, all of which are told.
    """
    reader = csv.reader(lines)
    count = 0
    try:
        cells = [cell.strip() for cell in next(reader, [])]
        reading = reading.split_at_commas(cells)
        header = _header(cells, reading)
        columns = Columns(header, reading)
        rows = _rows(reader, header)
        while some := list(islice(rows, AT_ONCE)):  # as text, a table takes twenty times the memory
            columns.add(some)
            count += len(some)
    except csv.Error as error:
        raise BadTableError(f"line {reader.line_num}: {error}") from error
    if not count:
        raise BadTableError("there is a header, and no rows")
    if problems := columns.end():
        raise BadTableError(problem_text(problems))
    features = np.empty((count, len(columns.features)), np.float32)
    for number, column in enumerate(columns.features):
        features[:, number] = column.values()
    categories = tuple(column.categories for column in columns.features)
    return StreamTable(
        names=tuple(column.name for column in columns.features),
        features=features,
        nullable=tuple(bool(np.isnan(column).any()) for column in features.T),
        label=reading.label,
        labels=columns.labels,
        categories=categories if any(categories) else (),
        times=columns.times,
        columns=columns.report,
    )


def check_playable(table: StreamTable, warmup: int) -> None:
    """Make sure that there are rows for a first model, one that is left to play, and anything to tell apart.

    Raises
    ------
    BadTableError
        There are not.
    """
    if warmup < 2 or warmup >= len(table):
        raise BadTableError(f"of {len(table)} rows {warmup} would be warm-up: at least 2 are needed, and one must be left to play")
    different = sorted(set(table.labels) - {""})
    if len(different) < 2:
        given = f"all {table.labelled(0, len(table))} rows have the label {different[0]!r}" if different else "no row has a label"
        raise BadTableError(f"column {table.label!r}: {given}; expected two different ones or more")
    for first, end, least, what in ((0, warmup, 2, "of warm-up"), (warmup, len(table), 1, "to play")):
        if (found := table.labelled(first, end)) < least:
            raise BadTableError(f"column {table.label!r}: {found} of the {end - first:,} rows {what} have a label; at least {least} needed")
    known = table.features[:warmup]
    if np.array_equal(known, np.broadcast_to(known[0], known.shape), equal_nan=True):
        raise BadTableError(
            f"rows 1 to {warmup}: no feature changes in the warm-up, so that nothing is known of any; it must reach further"
        )


def definition(tenant: str, stream: str, table: StreamTable) -> RegisterStream:
    """The command that defines a table's stream."""
    categories = table.categories or ((),) * len(table.names)
    columns = zip(table.names, table.nullable, categories, strict=True)
    features = tuple(Feature(name=name, nullable=nullable, categories=texts) for name, nullable, texts in columns)
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
    texts = [text for of_feature in table.categories for text in of_feature]
    size = sum(len(name.encode()) for name in (*table.names, *table.classes, *texts))
    if size > MOST_TEXT:
        told = f"the names of features, classes and categories take {size:,} bytes together; at most {MOST_TEXT:,} fit into a definition"
        longest = (
            max(zip(table.categories, table.names, strict=True), key=lambda one: sum(map(len, one[0])), default=None) if texts else None
        )
        raise BadTableError(told + (f"; --drop {quoted(longest[1])} leaves out the longest texts" if longest else ""))
    try:
        define(definition("default", "stream", table), RegistryState())
    except DefinitionRefusedError as refused:
        raise BadTableError(refused.message) from None


def described(table: StreamTable) -> list[dict[str, Any]]:
    """Interpretation of the columns, as in a report."""
    return [
        {
            "name": column.name,
            "taken_as": column.taken_as,
            "examples": list(column.examples),
            "missing": column.missing,
            **({"categories": column.categories} if column.taken_as == "category" else {}),
            **({"notes": list(column.notes)} if column.notes else {}),
        }
        for column in table.columns
    ]


def _header(header: list[str], reading: CsvOptions) -> list[str]:
    if not any(header):
        raise BadTableError("the file is empty; expected a header line with the columns' names")
    if "" in header:
        raise BadTableError(f"header: column {header.index('') + 1} has no name")
    if len(header) - 1 - len(reading.drop) > MAX_FEATURES:
        raise BadTableError(f"header: {len(header):,} columns; a stream has at most {MAX_FEATURES:,} features, and the label")
    if len(set(header)) < len(header):
        twice = next(name for place, name in enumerate(header) if name in header[:place])
        raise BadTableError(f"header: two columns are called {twice!r}")
    _check_named(header, reading)
    return header


def _check_named(header: Sequence[str], reading: CsvOptions) -> None:
    """Make sure that the columns that options name are there, each named once, and that features are left."""
    shown = ", ".join(header[:8]) + (f", … ({len(header)} columns)" if len(header) > 8 else "")
    given = [(reading.label, "the label"), *([(reading.time, "--time")] if reading.time else [])]
    given += [(name, "--drop") for name in reading.drop] + [(name, "--category") for name in reading.category]
    roles: dict[str, str] = {}
    problems: list[str] = []
    for name, role in given:
        if name not in header:
            problems.append(f"header: no column is called {name!r}, {role}; there are {shown}")
        elif roles.setdefault(name, role) != role:
            problems.append(f"header: column {name!r} cannot be {roles[name]} and {role}")
    if problems:
        other = next((mark for mark in (";", "\t", "|") if len(header) == 1 and mark in header[0]), "")
        raise BadTableError("; ".join(problems) + (f"; cells are separated by commas, and here it seems by {other!r}" if other else ""))
    if not set(header) - (roles.keys() - set(reading.category)):
        raise BadTableError(f"header: besides the label {reading.label!r} there is no column, so no feature")


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
