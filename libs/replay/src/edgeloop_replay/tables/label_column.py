"""The column of the label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edgeloop_contracts.outcomes import number, plain

from edgeloop_replay.tables.column_report import Column, Problem
from edgeloop_replay.tables.text_column import spelled_twice

MANY, VERY_MANY = 20, 100  # different numbers from which on labels may be no classes
SHARE = 0.05  # different numbers of all rows from which on they may be none
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "t", "f", "y", "n"})


class Labels:
    """Labels of the rows; none for an empty cell or a missing value.

    Parameters
    ----------
    numbers
        Whether labels are numbers.
    """

    def __init__(self, name: str, unknown: frozenset[str], *, numbers: bool) -> None:
        self.name = name
        self._unknown = unknown
        self._numbers = numbers
        self._texts: list[str] = []
        self._as_missing: Counter[str] = Counter()

    def add(self, cells: Sequence[str]) -> None:
        """The next cells."""
        for cell in cells:
            text = cell.strip()
            if text.lower() in self._unknown:
                self._as_missing[text] += 1
                text = ""
            self._texts.append(text)

    def texts(self) -> tuple[str, ...]:
        """Of each row; empty where there is none."""
        return tuple(self._texts)

    @property
    def problem(self) -> Problem | None:
        """Classes that are one class written in several ways."""
        if self._numbers:
            return None
        counts = Counter(text for text in self._texts if text)
        for group in (*_same_number(counts), *(group for group in spelled_twice(counts) if group[0].lower() in WORDS)):
            told = " and ".join(f"{text!r} ({counts[text]:,} rows)" for text in group[:4])
            return Problem(
                f"column {self.name!r}: {told} are one label written in {len(group)} ways; write it in one"
                + ("" if number(group[0]) is None else ", or take it as a number with --task regression")
            )
        return None

    @property
    def column(self) -> Column:
        """Its interpretation."""
        counts = Counter(text for text in self._texts if text)
        notes: list[str] = []
        if self._as_missing:
            how = ", ".join(f"{text!r}" if text else "empty" for text, _ in self._as_missing.most_common(4))
            notes.append(f"{self._as_missing.total():,} rows have no label ({how}): they are played, and not counted")
        if not self._numbers:
            if twice := [group for group in spelled_twice(counts) if group[0].lower() not in WORDS]:
                notes.append(f"{' and '.join(map(repr, twice[0]))} differ in upper and lower case only, and are taken as different")
            if _look_like_numbers(counts):
                notes.append(f"{len(counts):,} different numbers are taken as so many classes; if it is a number, use --task regression")
        kept = tuple(text for text, _ in counts.most_common(3))
        missing, classes = self._as_missing.total(), 0 if self._numbers else len(counts)
        return Column(name=self.name, taken_as="label", examples=kept, missing=missing, categories=classes, notes=tuple(notes))


def _same_number(texts: Counter[str]) -> list[tuple[str, ...]]:
    """Texts that are the same number.

    >>> _same_number(Counter(["1", "1.0", "2", "up"]))
    [('1', '1.0')]
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        if (value := number(text)) is not None:
            groups.setdefault(plain(value), []).append(text)
    return [tuple(sorted(group)) for group in groups.values() if len(group) > 1]


def _look_like_numbers(texts: Counter[str]) -> bool:
    """Whether labels look like a measured number rather than like classes."""
    values = [number(text) for text in texts]
    if len(texts) <= MANY or None in values:
        return False
    whole = all(value is not None and value.is_integer() for value in values)
    return not whole or len(texts) > min(VERY_MANY, SHARE * texts.total())
