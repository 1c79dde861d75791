"""Formats of times in cells: ISO 8601, or a number since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction

_EPOCH = re.compile(r"[+-]?\d{1,19}(\.\d+)?", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[/_](\d{1,2})[/_](\d{1,2})(?!\d)", re.ASCII)
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})(?!\d)(.*)", re.ASCII)
_ZONE = re.compile(r"\s*(UTC|GMT|[zZ])$|\s+(?=[+-]\d{2}(:?\d{2})?$)", re.ASCII)
_MIDNIGHT = re.compile(r"[T ]24(:?00){1,2}(\.0+)?", re.ASCII)  # the end of a day
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b.*|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?$)", re.ASCII | re.IGNORECASE)
"""Times and dates that no option takes: which part is the day is not said, or which day it was."""
# Largest value of a unit that is not yet one of the next: the year 5138 in seconds is 1973 in milliseconds.
_UNITS = ((10**11, "s", Fraction(1_000)), (10**14, "ms", Fraction(1)), (10**17, "µs", Fraction(1, 1_000)))
_NANOSECONDS = ("ns", Fraction(1, 1_000_000))
SEEMS_NOW = (1e9, 2.1e9)  # seconds: what is between, in any unit, is likely a time


def since_1970(text: str) -> Fraction | None:
    """A number since 1970, in whatever unit; ``None`` for a text that is none.

    >>> since_1970("1709251200.5"), since_1970("2024-03-01")
    (Fraction(3418502401, 2), None)
    """
    return Fraction(text) if _EPOCH.fullmatch(text) else None


def unit_of(largest: float) -> tuple[str, Fraction]:
    """Name and milliseconds of the unit of numbers since 1970, told by the largest one.

    >>> [unit_of(n)[0] for n in (1709251200, 1709251200000, 1709251200000000, 1709251200000000000)]
    ['s', 'ms', 'µs', 'ns']
    """
    return next(((name, factor) for bound, name, factor in _UNITS if largest < bound), _NANOSECONDS)


def iso(text: str) -> tuple[int, bool] | None:
    """Milliseconds since 1970 of a time, and whether it names its zone, without which it is UTC; ``None`` for no time.

    >>> [iso(text) for text in ("1970-01-01T00:00:01Z", "19700102", "1970-01-01 02:00:00 +0200", "1970-002", "soon")]
    [(1000, True), (86400000, False), (0, True), (86400000, False), None]
    """
    text = _YEAR_FIRST.sub(lambda found: f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}", text)
    text = _ZONE.sub(lambda found: "Z" if found[1] else "", text)
    if month := _MONTH.fullmatch(text):
        text = f"{month[1]}-{month[2]}-01"
    midnight = _MIDNIGHT.search(text)
    if midnight:
        text = f"{text[: midnight.start()]}T00:00{text[midnight.end() :]}"
    try:
        if ordinal := _ORDINAL.fullmatch(text):
            day = datetime.strptime(f"{ordinal[1]} {ordinal[2]}", "%Y %j").date()
            text = f"{day.isoformat()}{ordinal[3]}"
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    told = found if found.tzinfo else found.replace(tzinfo=UTC)
    since = told - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days + bool(midnight)) * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000, found.tzinfo is not None


def like_time(text: str) -> bool:
    """Whether a text is a time, and no number.

    >>> [like_time(text) for text in ("2024_03_01", "2024-03-01T12:00", "20240301", "1709251200", "12:30", "3.5")]
    [True, True, False, False, True, False]
    """
    return not _EPOCH.fullmatch(text) and (iso(text) is not None or bool(_CLOCK.match(text)))
