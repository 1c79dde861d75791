"""Bad rows of a request or batch, and the complaint about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import Mask
from edgeloop_contracts.masks import mask_of
from numpy.typing import NDArray

from edgeloop_admission.device_names import MAX_TEXT
from edgeloop_admission.rules import Rules

# Years 1 to 9999, in milliseconds since 1970. Seconds or nanoseconds by mistake mostly fall outside, or near 1970.
FIRST_TIME = -62_135_596_800_000
LAST_TIME = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with their texts and times.

    Attributes
    ----------
    values
        float32 [n, F] in the order of the definition; NaN is a missing value.
    texts
        Fields of one text per row: the name of the text in messages, and n texts or none.
    event_times
        n times in milliseconds since 1970, or none.
    """

    values: NDArray[np.float32]
    texts: Sequence[tuple[str, Sequence[str]]] = ()
    event_times: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Complaint:
    """Reason of refusing one row.

    Attributes
    ----------
    reason
        Typed reason in capitals, ``INVALID_VALUE`` or ``TOO_LARGE``.
    message
        What, expected and given. The caller names the row.
    """

    reason: str
    message: str


def complaints(rows: Rows, rules: Rules) -> dict[int, Complaint]:
    """Complaint about each bad row, by its place, ascending; empty if all are admitted.

    A device calls this before it answers a request, with unmasked values and the rules for them. Dropped values are not checked, and a
    complaint does not show a masked value.
    """
    if _plainly_good(rows, rules):
        return {}
    bad = bad_values(rows.values, rules)
    return {i: complaint(rows, bad, i, rules) for i in np.flatnonzero(bad_rows(rows, bad)).tolist()}


def _plainly_good(rows: Rows, rules: Rules) -> bool:
    """Quick check that nothing is missing or bad, as a device checks each single row."""
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
    """Bool [n, F]: infinite, outside the feature's range, or missing although not nullable."""
    # Comparisons with NaN are false, so a missing value is inside any range.
    bad = np.isinf(values) | (np.isnan(values) & rules.required) | (values < rules.minimum) | (values > rules.maximum)
    return bad & ~rules.hidden if rules.masks else bad


def bad_rows(rows: Rows, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bool [n]: rows with a bad value, a long text, or a time outside the years 1 to 9999."""
    found = np.asarray(bad.any(axis=1))
    for _, texts in rows.texts:
        if _too_long(texts):
            found = found | np.fromiter((len(text) > MAX_TEXT for text in texts), np.bool_, len(texts))
    if _untimely(rows.event_times):
        found = found | np.fromiter((not FIRST_TIME <= time <= LAST_TIME for time in rows.event_times), np.bool_, len(rows.event_times))
    return found


def complaint(rows: Rows, bad: NDArray[np.bool_], row: int, rules: Rules) -> Complaint:
    """First fault of one bad row."""
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
