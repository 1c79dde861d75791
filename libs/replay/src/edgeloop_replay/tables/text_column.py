"""Columns of categories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from edgeloop_contracts.plausibility import LONGEST_NAME
from edgeloop_registry.core.definitions import MAX_CATEGORIES
from numpy.typing import NDArray

from edgeloop_replay.tables.column_report import Column, Problem, like_number, quoted, shown
from edgeloop_replay.tables.time_formats import iso, like_time

MOST_TEXTS = 100_000  # different ones of a column that are remembered
FEW = 20  # different texts that are categories however few rows there are
MOSTLY = 0.9  # share of cells that tells what a column looks like

Floats = NDArray[np.float32]


class Texts:
    """A column of texts.

    Parameters
    ----------
    forced
        Whether somebody said that it is one.
    """

    def __init__(self, name: str, unknown: frozenset[str], *, forced: bool = False) -> None:
        self.name = name
        self._unknown = unknown
        self._forced = forced
        self._known: dict[str, int] = {}
        self._parts: list[NDArray[np.int64]] = []
        self._others = 0

    def add(self, cells: Sequence[str]) -> None:
        """The next cells."""
        self._parts.append(np.fromiter(map(self._one, cells), np.int64, count=len(cells)))

    def _one(self, cell: str) -> int:
        """Number of a text, in the order in which they came; -1 for none, -2 beyond what is remembered."""
        text = cell.strip()
        known = self._known.get(text)
        if known is not None:
            return known
        if text.lower() in self._unknown:
            return -1
        if len(self._known) == MOST_TEXTS:
            self._others += 1
            return -2
        return self._known.setdefault(text, len(self._known))

    def _all(self) -> NDArray[np.int64]:
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def _counts(self) -> NDArray[np.int64]:
        found = self._all()
        return np.bincount(found[found >= 0], minlength=len(self._known))

    @property
    def categories(self) -> tuple[str, ...]:
        """The commonest texts, most rows first; of equals in the order of the alphabet."""
        counted = sorted(zip(self._known, self._counts().tolist(), strict=True), key=lambda one: (-one[1], one[0]))
        return tuple(text for text, _ in counted[:MAX_CATEGORIES])

    def values(self) -> Floats:
        """float32 [N]: index of the category, -1 for another text, NaN for none."""
        indexes = {text: place for place, text in enumerate(self.categories)}
        codes = np.array([*(indexes.get(text, -1) for text in self._known), -1, np.nan], np.float32)
        return codes[self._all()]

    @property
    def problem(self) -> Problem | None:
        """Reason why these are no categories."""
        counts, name = self._counts(), quoted(self.name)
        rows, first = int(counts.sum()) + self._others, self._first()
        column, example = f"column {self.name!r}", shown(first[1])
        place = f"row {first[0]}, {column}"
        if long := next((text for text in self._known if len(text) > LONGEST_NAME or not text.isprintable()), None):
            what = f"a text of {len(long):,} characters" if len(long) > LONGEST_NAME else f"{long!r}, which does not print"
            return Problem(f"{column}: {what} is no category; --drop {name} leaves it out", f"--drop {name}")
        if self._forced:
            return None
        if self._mostly(like_time):
            if self._mostly(lambda text: iso(text) is not None):
                told = f"--time {name} takes it as event time, --drop {name} leaves it out"
                return Problem(f"{place}: expected a number or a category, given the time {example}; {told}", f"--time {name}")
            told = f"expected a time such as 2024-03-01T12:30:00Z, given {example}; --drop {name} leaves it out"
            return Problem(f"{place}: {told}, --category {name} takes it as names", f"--drop {name}")
        if self._mostly(like_number):
            told = f"expected a number, given {example}; write it with digits, a point and no more"
            return Problem(f"{place}: {told}; --drop {name} leaves it out, --category {name} takes it as names", f"--drop {name}")
        different = len(self._known)
        if (different > FEW and 2 * different > rows) or different == rows > 1:
            told = f"{different:,} different texts in {rows:,} rows, such as {example}: names of rows, which tell a model nothing"
            return Problem(f"{column}: {told}; --drop {name} leaves it out, --category {name} takes it all the same", f"--drop {name}")
        return None

    def _first(self) -> tuple[int, str]:
        """Row and text of the first one."""
        found = self._all()
        return int(np.argmax(found >= 0)) + 1, next(iter(self._known), "")

    def _mostly(self, test: Callable[[str], bool]) -> bool:
        counts = self._counts().tolist()
        return sum(count for text, count in zip(self._known, counts, strict=True) if test(text)) >= MOSTLY * max(1, sum(counts))

    @property
    def missing(self) -> int:
        """Cells without a text."""
        return int((self._all() == -1).sum())

    @property
    def column(self) -> Column:
        """Its interpretation."""
        notes: list[str] = []
        kept = self.categories
        if (more := len(self._known) - len(kept)) > 0:
            notes.append(f"{more:,} rare texts of {len(self._known):,} count as one unknown category")
        if twice := spelled_twice(kept):
            notes.append(f"{' and '.join(map(repr, twice[0]))} differ in upper and lower case only, and are taken as different")
        return Column(
            name=self.name, taken_as="category", examples=kept[:3], missing=self.missing, categories=len(kept), notes=tuple(notes)
        )


def spelled_twice(texts: Iterable[str]) -> list[tuple[str, ...]]:
    """Texts that differ in upper and lower case only.

    >>> spelled_twice(["on", "off", "On"])
    [('On', 'on')]
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(text.casefold(), []).append(text)
    return [tuple(sorted(group)) for group in groups.values() if len(group) > 1]
