"""Rows of one request or batch: which are bad, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import Mask
from edgeloop_contracts.masks import mask_of
from numpy.typing import NDArray

from edgeloop_admission.device_names import MAX_TEXT
from edgeloop_admission.rules import Rules

# Years 1 to 9999, in milliseconds since 1970: what calendars hold. Seconds or nanoseconds by mistake mostly fall outside or near 1970.
FIRST_TIME = -62_135_596_800_000
LAST_TIME = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with what belongs to each of them.

    Attributes
    ----------
    values
        float32 [n, F] in the order of the definition; NaN is a missing value.
    request_ids, answers, answers_alone
        n texts, or none.
    event_times
        n times in milliseconds since 1970, or none.
    """

    values: NDArray[np.float32]
    request_ids: Sequence[str] = ()
    answers: Sequence[str] = ()
    event_times: Sequence[int] = ()
    answers_alone: Sequence[str] = ()

    @property
    def texts(self) -> tuple[tuple[str, Sequence[str]], ...]:
        """What the texts of a row are called, and all of them."""
        return ("request id", self.request_ids), ("answer", self.answers), ("answer alone", self.answers_alone)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why one row is refused.

    Attributes
    ----------
    reason
        Typed reason in capitals, ``INVALID_VALUE`` or ``TOO_LARGE``.
    message
        What, expected and given; the row is for the caller to name.
    """

    reason: str
    message: str


def complaints(rows: Rows, rules: Rules) -> dict[int, Complaint]:
    """What is wrong with each bad row, by its place, ascending; empty when all may go in.

    A device asks this before it answers a request, with the values as they came and with rules for these. What is dropped there is not
    looked at, and no complaint tells a value that is masked.
    """
    if _plainly_good(rows, rules):
        return {}
    bad = bad_values(rows.values, rules)
    return {i: complaint(rows, bad, i, rules) for i in np.flatnonzero(bad_rows(rows, bad)).tolist()}


def _plainly_good(rows: Rows, rules: Rules) -> bool:
    """Whether nothing is missing or wrong, the quick way: a device asks for each single row."""
    return (
        bool(((rows.values >= rules.lowest) & (rows.values <= rules.highest)).all())
        and not any(_too_long(texts) for _, texts in rows.texts)
        and not _untimely(rows.event_times)
    )


def _too_long(texts: Sequence[str]) -> bool:
    return bool(texts) and max(map(len, texts)) > MAX_TEXT


def _untimely(times: Sequence[int]) -> bool:
    return bool(times) and not (min(times) >= FIRST_TIME and max(times) <= LAST_TIME)


def bad_values(values: NDArray[np.float32], rules: Rules) -> NDArray[np.bool_]:
    """Bool [n, F]: infinite, outside the feature's range, or missing where it is not nullable."""
    # Comparisons with NaN are false, so a missing value is outside no range.
    bad = np.isinf(values) | (np.isnan(values) & rules.required) | (values < rules.minimum) | (values > rules.maximum)
    return bad & ~rules.hidden if rules.masks else bad


def bad_rows(rows: Rows, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bool [n]: rows with a bad value, a text that is too long, or a time that no calendar has."""
    found = np.asarray(bad.any(axis=1))
    for _, texts in rows.texts:
        if _too_long(texts):
            found = found | np.fromiter((len(text) > MAX_TEXT for text in texts), np.bool_, len(texts))
    if _untimely(rows.event_times):
        found = found | np.fromiter((not FIRST_TIME <= time <= LAST_TIME for time in rows.event_times), np.bool_, len(rows.event_times))
    return found


def complaint(rows: Rows, bad: NDArray[np.bool_], row: int, rules: Rules) -> Complaint:
    """What is wrong with one bad row: of several things the first."""
    for field, texts in rows.texts:
        if texts and len(texts[row]) > MAX_TEXT:
            return Complaint("TOO_LARGE", f"{field}: expected at most {MAX_TEXT} characters, given {len(texts[row])}")
    if rows.event_times and not FIRST_TIME <= rows.event_times[row] <= LAST_TIME:
        expected = "milliseconds since 1970, within the years 1 to 9999"
        return Complaint("INVALID_VALUE", f"event time: expected {expected}, given {rows.event_times[row]}")
    column = int(np.flatnonzero(bad[row])[0])
    feature = rules.definition.features[column]
    low = "-∞" if feature.minimum is None else f"{feature.minimum:g}"
    high = "∞" if feature.maximum is None else f"{feature.maximum:g}"
    expected = f"a finite value in [{low}, {high}]" + (" or NaN" if feature.nullable else "")
    told = mask_of(feature) is Mask.NONE
    given = f"{float(rows.values[row, column]):g}" if told else "another, which is not told as the feature is masked"
    return Complaint("INVALID_VALUE", f"feature {feature.name!r}: expected {expected}, given {given}")
