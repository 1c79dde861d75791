"""Columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from edgeloop_contracts.outcomes import number
from numpy.typing import NDArray

from edgeloop_replay.tables.column_report import Column, Problem, like_number, quoted, shown, some
from edgeloop_replay.tables.time_formats import SEEMS_NOW, like_time, unit_of

FEW = 20  # different texts that are told as such
HELD_APART = 0.99  # share of different numbers that stay different as float32
COUNTER = 100  # rows from which on a column that rises with each row looks like a counter

Floats = NDArray[np.float32]


class Numbers:
    """A column of numbers, and what is none in it."""

    def __init__(self, name: str, unknown: frozenset[str]) -> None:
        self.name = name
        self._unknown = unknown
        self._as_missing = [value for text in unknown if (value := number(text)) is not None]  # however they are written
        self._parts: list[Floats] = []
        self._odd: dict[str, int] = {}
        self._odd_cells = self._missing = self._rows = 0
        self._exact = self._held = 0  # different numbers within each part, and as float32
        self._alike: tuple[str, str] | None = None
        self._newest, self._rises = -np.inf, True
        self._largest = 0.0
        self._examples: tuple[str, ...] = ()

    def add(self, cells: Sequence[str]) -> None:
        """The next cells."""
        exact = self._plain(cells)
        if exact is None:
            exact = np.fromiter((self._one(self._rows + place, cell) for place, cell in enumerate(cells, 1)), np.float64, count=len(cells))
        exact[np.isin(exact, self._as_missing)] = np.nan
        values = exact.astype(np.float32)
        known = exact[~np.isnan(exact)]
        self._note(known, cells)
        self._missing += len(cells) - len(known)
        self._rows += len(cells)
        self._parts.append(values)

    def _plain(self, cells: Sequence[str]) -> NDArray[np.float64] | None:
        """The cells if all of them are plainly numbers; Python reads more as a number than a CSV means by one."""
        text = "".join(cells)
        if "_" in text or "n" in text or "N" in text or not text.isascii():
            return None
        try:
            exact = np.fromiter(map(float, cells), np.float64, count=len(cells))
        except ValueError:
            return None
        return exact if np.abs(exact).max(initial=0) < np.finfo(np.float32).max else None

    def _one(self, row: int, cell: str) -> float:
        text = cell.strip()
        value = number(text)
        if value is None and text.lower() not in self._unknown:
            self._odd_cells += 1
            if len(self._odd) < FEW:
                self._odd.setdefault(text, row)
        return np.nan if value is None else value

    def _note(self, known: NDArray[np.float64], cells: Sequence[str]) -> None:
        if not len(known):
            return
        self._examples = self._examples or some(cell.strip() for cell in cells)
        order, first = np.unique(known, return_index=True)
        as_held = order.astype(np.float32)
        same = as_held[1:] == as_held[:-1]
        self._exact += len(order)
        self._held += len(order) - int(same.sum())
        if same.any() and self._alike is None:
            places = first[[np.argmax(same), np.argmax(same) + 1]]
            self._alike = (_plain(float(known[places[0]])), _plain(float(known[places[1]])))
        self._rises = self._rises and known[0] > self._newest and bool((known[1:] > known[:-1]).all())
        self._newest = known[-1]
        self._largest = max(self._largest, float(np.abs(known).max()))

    def values(self) -> Floats:
        """float32 [N]; NaN where a cell says nothing."""
        return np.concatenate(self._parts)

    @property
    def categories(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def problem(self) -> Problem | None:
        """Text in it."""
        if not self._odd:
            return None
        text, row = next(iter(self._odd.items()))
        place = f"row {row}, column {self.name!r}: expected a number or nothing, given {shown(text)}"
        name = quoted(self.name)
        if self._odd_cells > len(self._odd) and all(map(like_time, self._odd)):
            return Problem(f"{place}; --time {name} if it is a time, --drop {name} leaves it out", f"--time {name}")
        if like_number(text):
            return Problem(f"{place}; write it with digits, a point and no more, within float32; --drop {name} leaves it out", "")
        tokens = ",".join(self._odd)
        missing = f"--missing {quoted(tokens)} if that means nothing is known, " if len(self._odd) < FEW and "," not in text else ""
        return Problem(f"{place}; {missing}--category {name} if these are names, --drop {name} leaves it out", f"--drop {name}")

    @property
    def column(self) -> Column:
        """Its interpretation."""
        notes: list[str] = []
        name = quoted(self.name)
        seems_time = (
            any(SEEMS_NOW[0] <= self._largest / 1_000**power <= SEEMS_NOW[1] for power in range(4)) and self._largest >= SEEMS_NOW[0]
        )
        if self._alike and self._held < HELD_APART * self._exact:
            unit = f"; if it is a time, in {unit_of(self._largest)[0]}, --time {name} takes it" if seems_time else ""
            notes.append(
                f"float32 cannot hold these numbers apart ({self._alike[0]} and {self._alike[1]} are one, {self._held:,} of {self._exact:,} "
                f"are left){unit}; --drop {name} leaves it out, --category {name} takes it as names"
            )
        elif self._rises and self._rows >= COUNTER:
            notes.append(f"rises with every row: a time (--time {name}) or a counter (--drop {name})?")
        if self._missing == self._rows:
            notes.append("never has a value")
        return Column(name=self.name, taken_as="number", examples=self._examples, missing=self._missing, notes=tuple(notes))


def _plain(value: float) -> str:
    return repr(value).removesuffix(".0")
