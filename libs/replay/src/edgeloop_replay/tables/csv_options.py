"""Options for the columns of a CSV: label, event time, columns to leave out, categories, missing values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

NOTHING = ("", "nan")
"""Cells that are missing whatever else is."""
MISSING = ("NA", "N/A", "#N/A", "<NA>", "null")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """Options for the columns of a CSV; a column that is not named is a number, or a category if it is text.

    Attributes
    ----------
    label
        Column of the label.
    numbers
        Whether labels are numbers.
    time
        Column of the event time; empty for none.
    drop
        Columns to be left out.
    category
        Columns of texts, whatever they look like.
    missing
        Texts that stand for a missing value, in upper or lower case; so do empty cells and ``nan``.
    """

    label: str
    numbers: bool = False
    time: str = ""
    drop: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    missing: tuple[str, ...] = MISSING

    @classmethod
    def of_arguments(
        cls,
        label: str,
        *,
        numbers: bool = False,
        time: str = "",
        drop: Sequence[str] = (),
        category: Sequence[str] = (),
        missing: str | None = None,
    ) -> Self:
        """As options give it; ``missing`` with commas between the texts, ``None`` for those that are usual."""
        texts = MISSING if missing is None else tuple(text for text in missing.split(",") if text)
        return cls(label=label, numbers=numbers, time=time, drop=tuple(drop), category=tuple(category), missing=texts)

    def split_at_commas(self, header: Sequence[str]) -> Self:
        """The same with ``--drop a,b`` as two columns, where none is called ``a,b``."""

        def parted(names: tuple[str, ...]) -> tuple[str, ...]:
            parts = (part for name in names for part in ([name] if name in header else name.split(",")))
            return tuple(dict.fromkeys(part.strip() for part in parts))

        return replace(self, drop=parted(self.drop), category=parted(self.category))

    def unknown(self) -> frozenset[str]:
        """Texts for a missing value, in lower case."""
        return frozenset(text.strip().lower() for text in (*NOTHING, *self.missing))
