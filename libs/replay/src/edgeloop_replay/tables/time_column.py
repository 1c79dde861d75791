"""The column of the event time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeloop_replay.tables.column_report import Column, Problem, shown, some
from edgeloop_replay.tables.time_formats import iso, since_1970, unit_of


class Times:
    """The column of the event time."""

    def __init__(self, name: str, unknown: frozenset[str]) -> None:
        self.name = name
        self._unknown = unknown
        self._cells: list[str] = []
        self._read: tuple[NDArray[np.int64], str] | None = None

    def add(self, cells: Sequence[str]) -> None:
        """The next cells."""
        self._cells += [text if (text := cell.strip()).lower() not in self._unknown else "" for cell in cells]
        self._read = None

    def milliseconds(self) -> tuple[NDArray[np.int64], str]:
        """int64 [N] since 1970, 0 where nothing is known; and how it was read.

        Raises
        ------
        ValueError
            A cell is no time; its first argument is the row, counted from 1.
        """
        if self._read is None:  # kept: it is asked for the table, for its problems and for the rows
            self._read = self._parsed()
        return self._read

    def _parsed(self) -> tuple[NDArray[np.int64], str]:
        days = all(len(text) == 8 and iso(text) for text in self._cells if text)
        numbers = [None if days else since_1970(text) for text in self._cells]
        known = [abs(value) for value in numbers if value is not None]
        if known:
            unit, factor = unit_of(float(max(known)))
            bad = next((row for row, (text, value) in enumerate(zip(self._cells, numbers, strict=True), 1) if text and value is None), None)
            if bad:
                raise ValueError(bad)
            return np.array([int(value * factor) if value is not None else 0 for value in numbers], np.int64), f"{unit} since 1970"
        found = [(0, True) if not text else iso(text) for text in self._cells]
        if None in found:
            raise ValueError(found.index(None) + 1)
        named = all(each[1] for each in found if each)
        return np.array([each[0] for each in found if each], np.int64), "ISO 8601" + (
            "" if named else ", taken as UTC where no zone is named"
        )

    @property
    def problem(self) -> Problem | None:
        """A cell that is no time."""
        try:
            self.milliseconds()
        except (ValueError, OverflowError) as error:
            row = error.args[0] if isinstance(error, ValueError) else 1
            given = shown(self._cells[row - 1])
            told = "expected a time in ISO 8601, or a number since 1970 in s, ms, µs or ns, in the whole column"
            return Problem(f"row {row}, column {self.name!r}: {told}, given {given}", "")
        return None

    @property
    def column(self) -> Column:
        """Its interpretation."""
        times, form = self.milliseconds()
        notes = [form]
        known = times[times != 0]
        if back := int((known[1:] < known[:-1]).sum()):
            notes.append(f"{back:,} rows are earlier than the row before; rows are played in the order of the file")
        return Column(name=self.name, taken_as="time", examples=some(self._cells), missing=self._cells.count(""), notes=tuple(notes))
