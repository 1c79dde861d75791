"""Comparison of answers with labels, as texts of classes or of numbers.

The stream definition names the kind. For numbers it has a tolerance above 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

# The largest float32; models answer in float32.
LARGEST = 3.4028234663852886e38
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def number(text: str) -> float | None:
    """Number in a text; ``None`` if it is no decimal number within float32.

    Examples
    --------
    >>> number("-1.50"), number("2e3")
    (-1.5, 2000.0)
    >>> [number(text) for text in ("", "warm", "nan", "inf", "1e39", "1_000")]
    [None, None, None, None, None, None]
    """
    stripped = text.strip()
    if not _DECIMAL.fullmatch(stripped):
        return None
    value = float(stripped)
    return value if abs(value) <= LARGEST else None


def plain(value: float) -> str:
    """Canonical text of a number: the shortest that gives it again, so that equal labels are equal texts.

    >>> [plain(value) for value in (1.50, 3, -0.0, 1e-7)]
    ['1.5', '3.0', '0.0', '1e-07']
    """
    return repr(float(value) + 0.0)


def error(answer: str, label: str, *, numbers: bool) -> float:
    """Error of an answer: 0 or 1 for a class, the absolute difference of numbers; infinite if one is no number.

    >>> error("low", "high", numbers=False), error("1.5", "2.0", numbers=True), error("nan", "2.0", numbers=True)
    (1.0, 0.5, inf)
    """
    if not numbers:
        return float(answer != label)
    said, true = number(answer), number(label)
    return math.inf if said is None or true is None else abs(said - true)


def right(answer: str, label: str, tolerance: float = 0.0) -> bool:
    """Whether an answer counts as right.

    Parameters
    ----------
    tolerance
        Tolerance of the stream definition; 0 for classes, which have to be equal.

    Examples
    --------
    >>> right("low", "low"), right("1.5", "2.0", tolerance=0.5), right("1.4", "2.0", tolerance=0.5)
    (True, True, False)
    """
    return answer == label or (tolerance > 0 and error(answer, label, numbers=True) <= tolerance)


def where_other(alone: Sequence[str], answers: Sequence[str]) -> tuple[str, ...]:
    """Answers of a version without its adapter, in the form of batches: an empty text if equal to the answer, no text if all are equal.

    >>> where_other(["low", "low"], ["low", "high"]), where_other(["low"], ["low"])
    (('', 'low'), ())
    """
    other = tuple("" if one == answer else one for one, answer in zip(alone, answers, strict=True))
    return other if any(other) else ()
