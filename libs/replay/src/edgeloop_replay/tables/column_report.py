"""Reports of columns: kind, examples, notes, problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeloop_contracts.outcomes import number

SHOWN = 40  # characters of a cell
_LIKE_NUMBER = re.compile(r"[+-]?[$€£]?\s?\d[\d_.,'\u00a0\u202f ]*(\s?%|[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Interpretation of a column.

    Attributes
    ----------
    name
        In the header.
    taken_as
        ``label``, ``time``, ``number``, ``category`` or ``left out``.
    examples
        Some of its cells.
    missing
        Cells without a value.
    categories
        How many it has.
    notes
        What a person should know of it.
    """

    name: str
    taken_as: str
    examples: tuple[str, ...] = ()
    missing: int = 0
    categories: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Reason why a column cannot be read as it is.

    Attributes
    ----------
    told
        Where, what was expected, what given, and which options help.
    option
        The one of these that most likely helps; empty if none does.
    """

    told: str
    option: str = ""


def problem_text(problems: Sequence[Problem]) -> str:
    """Problems in one message: a line each, where there are several, and the options that help."""
    if len(problems) == 1:
        return problems[0].told
    options = " ".join(problem.option for problem in problems if problem.option)
    lines = [f"{len(problems)} columns cannot be taken as they are:", *(f"  {problem.told}" for problem in problems)]
    return "\n".join([*lines, *([f"  most likely you want: {options}"] if options else [])])


def like_number(text: str) -> bool:
    """Whether a text looks like a number, and is none.

    >>> [like_number(text) for text in ("9_908", "9,908", "45 %", "1e400", "9908", "A1", "10.0.0.1")]
    [True, True, True, True, False, False, False]
    """
    return bool(_LIKE_NUMBER.fullmatch(text)) and number(text) is None and text.count(".") < 2


def shown(text: str) -> str:
    """A cell as it is told.

    >>> shown("x" * 50)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'"
    """
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def quoted(name: str) -> str:
    """A column's name as an option takes it in a shell."""
    return name if re.fullmatch(r"[\w.:/@%+-]+", name) else "'" + name.replace("'", "'\\''") + "'"


def some(texts: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The first different texts that are not empty."""
    found: dict[str, None] = {}
    for text in texts:
        if text:
            found[text] = None
        if len(found) == count:
            break
    return tuple(found)
