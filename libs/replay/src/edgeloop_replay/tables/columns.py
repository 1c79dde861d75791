"""The columns of a CSV file and their kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from edgeloop_contracts.outcomes import number
from numpy.typing import NDArray

from edgeloop_replay.tables.column_report import Column, Problem, some
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.label_column import Labels
from edgeloop_replay.tables.number_column import Numbers
from edgeloop_replay.tables.text_column import Texts
from edgeloop_replay.tables.time_column import Times

AnyColumn = Numbers | Texts | Times | Labels


class Columns:
    """The columns of a file, taken in part by part.

    Parameters
    ----------
    header
        Their names.
    reading
        How to take them.
    """

    def __init__(self, header: Sequence[str], reading: CsvOptions) -> None:
        self._unknown = reading.unknown()
        self._header = list(header)
        self._dropped: dict[str, tuple[str, ...]] = dict.fromkeys(reading.drop, ())
        self._taken: dict[str, AnyColumn] = {reading.label: Labels(reading.label, self._unknown, numbers=reading.numbers)}
        if reading.time:
            self._taken[reading.time] = Times(reading.time, self._unknown)
        self._taken |= {name: Texts(name, self._unknown, forced=True) for name in reading.category}
        self._label, self._time = reading.label, reading.time
        self._parts: dict[str, list[Sequence[str]]] = {}  # of columns of which nothing is known yet

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """The next rows."""
        for name, cells in zip(self._header, zip(*rows, strict=True), strict=True):
            if name in self._dropped:
                self._dropped[name] = self._dropped[name] or some(cells)
            elif name in self._taken:
                self._taken[name].add(cells)
            else:
                self._begin(name, cells)

    def _begin(self, name: str, cells: Sequence[str]) -> None:
        """The first cells of a column tell what it is."""
        earlier = self._parts.setdefault(name, [])
        earlier.append(cells)
        if kind := kind_of(name, cells, self._unknown):
            self._taken[name] = kind
            for part in self._parts.pop(name):
                kind.add(part)

    def end(self) -> list[Problem]:
        """All rows are there; give back what is wrong with columns, in their order."""
        for name, parts in self._parts.items():
            self._taken[name] = Numbers(name, self._unknown)
            for part in parts:
                self._taken[name].add(part)
        self._parts = {}
        problems = [self._taken[name].problem for name in self._header if name in self._taken]
        return [problem for problem in problems if problem]

    @property
    def features(self) -> list[Numbers | Texts]:
        """Those that are features, in the order of the file."""
        taken = (self._taken[name] for name in self._header if name in self._taken)
        return [each for each in taken if isinstance(each, Numbers | Texts)]

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each row, empty where there is none."""
        label = self._taken[self._label]
        assert isinstance(label, Labels)
        return label.texts()

    @property
    def times(self) -> NDArray[np.int64] | None:
        """The event time of each row, milliseconds since 1970, 0 where there is none; ``None`` without a column of them."""
        times = self._taken.get(self._time)
        return times.milliseconds()[0] if isinstance(times, Times) else None

    @property
    def report(self) -> tuple[Column, ...]:
        """Interpretation of each column, in the order of the file."""
        return tuple(
            self._taken[name].column if name in self._taken else Column(name=name, taken_as="left out", examples=self._dropped[name])
            for name in self._header
        )


def kind_of(name: str, cells: Sequence[str], unknown: frozenset[str]) -> Numbers | Texts | None:
    """Kind of a column by its first cells: numbers if half of the known cells are; ``None`` if none is known."""
    texts = Counter(text for cell in cells if (text := cell.strip()).lower() not in unknown)
    if not texts:
        return None
    of_numbers = sum(count for text, count in texts.items() if number(text) is not None)
    return Numbers(name, unknown) if 2 * of_numbers >= texts.total() else Texts(name, unknown)
