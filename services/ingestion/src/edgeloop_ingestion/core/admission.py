"""Which rows of a batch the stream's definition lets in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from edgeloop_contracts import Label, ObservationBatch, StreamDefinition, StreamTask, outcomes
from numpy.typing import NDArray

from edgeloop_ingestion.core.naming import MAX_LONG, Inadmissible, check_text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What admission says of a batch.

    Attributes
    ----------
    batch
        The batch, with masked features where the definition asks for it.
    valid
        bool [count]: rows that may go in.
    complaint
        The first bad row: row, feature, expected and given, and how many more there are; empty when all are valid.
    masked
        Rows in which a feature was masked.
    """

    batch: ObservationBatch
    valid: NDArray[np.bool_]
    complaint: str
    masked: int


@dataclass(frozen=True, slots=True)
class Rules:
    """A stream definition as arrays over its F features.

    Attributes
    ----------
    definition
        What they were made from.
    minimum, maximum
        float32 [F]; infinite where the definition has no bound.
    required
        bool [F]: NaN is refused.
    hidden
        bool [F]: never leaves a device, so a value that comes is replaced by NaN and not looked at.
    hides
        Whether any feature is hidden.
    """

    definition: StreamDefinition
    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]
    required: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    hides: bool

    @classmethod
    def of(cls, definition: StreamDefinition) -> Rules:
        """Make the arrays of a definition.

        Bounds are rounded to float32 as the values were, so that a value equal to its bound stays inside.
        """
        features = definition.features
        with np.errstate(over="ignore"):
            return cls(
                definition,
                np.array([-np.inf if f.minimum is None else f.minimum for f in features], dtype=np.float32),
                np.array([np.inf if f.maximum is None else f.maximum for f in features], dtype=np.float32),
                np.array([not f.nullable and not f.local_only for f in features], dtype=np.bool_),
                np.array([f.local_only for f in features], dtype=np.bool_),
                any(f.local_only for f in features),
            )


def check_shape(batch: ObservationBatch, width: int) -> None:
    """Refuse a batch whose parts do not fit together; nothing in it could be told apart.

    Parameters
    ----------
    width
        Number of features F of the stream.

    Raises
    ------
    Inadmissible
        ``INVALID_SHAPE`` or ``TOO_LARGE``.
    """
    if width < 1:
        raise Inadmissible("INVALID_SHAPE", f"stream {batch.stream!r} has no features")
    if batch.count < 1:
        raise Inadmissible("INVALID_SHAPE", f"count: expected 1 or more, given {batch.count}")
    if batch.first_seq < 0 or batch.first_seq > MAX_LONG - batch.count:
        raise Inadmissible("INVALID_SHAPE", f"first_seq: expected 0 to 2^63 - 1 - count, given {batch.first_seq}")
    if len(batch.features) != batch.count * width * 4:
        expected = f"{batch.count} rows of {width} features of 4 bytes = {batch.count * width * 4}"
        raise Inadmissible("INVALID_SHAPE", f"features: expected {expected}, given {len(batch.features)}")
    for field, given in (
        ("event_times", len(batch.event_times)),
        ("request_ids", len(batch.request_ids)),
        ("answers", len(batch.answers)),
    ):
        if given not in (0, batch.count):
            raise Inadmissible("INVALID_SHAPE", f"{field}: expected none or {batch.count}, given {given}")
    for field, number in (("model_version", batch.model_version), ("adapter", batch.adapter)):
        if number < 0:
            raise Inadmissible("INVALID_SHAPE", f"{field}: expected 0 or more, given {number}")
    check_text("request_ids", max(batch.request_ids, key=len, default=""))
    check_text("answers", max(batch.answers, key=len, default=""))


def judge(batch: ObservationBatch, rules: Rules) -> Verdict:
    """Tell the valid rows of a well-shaped batch from the bad ones.

    A row is bad when a value is infinite, outside its feature's range, or missing where the feature is not nullable.
    """
    width = len(rules.definition.features)
    rows = np.frombuffer(batch.features, dtype="<f4").reshape(batch.count, width)
    masked = 0
    if rules.hides:
        told = ~np.isnan(rows[:, rules.hidden]).all(axis=1)
        masked = int(told.sum())
        if masked:
            rows = rows.copy()
            rows[:, rules.hidden] = np.nan
            batch = ObservationBatch.from_dict(batch.as_dict() | {"features": rows.tobytes()})
    missing = np.isnan(rows)
    # Comparisons with NaN are false, so a missing value is outside no range.
    bad = np.isinf(rows) | (missing & rules.required) | (rows < rules.minimum) | (rows > rules.maximum)
    valid = np.asarray(~bad.any(axis=1))
    return Verdict(batch, valid, _complaint(batch, rows, bad, rules) if bad.any() else "", masked)


def _complaint(batch: ObservationBatch, rows: NDArray[np.float32], bad: NDArray[np.bool_], rules: Rules) -> str:
    count = int(bad.any(axis=1).sum())
    row, column = (int(i) for i in np.argwhere(bad)[0])
    feature = rules.definition.features[column]
    low = "-∞" if feature.minimum is None else f"{feature.minimum:g}"
    high = "∞" if feature.maximum is None else f"{feature.maximum:g}"
    expected = f"a finite value in [{low}, {high}]" + (" or NaN" if feature.nullable else "")
    more = f"; {count} of {batch.count} rows refused" if batch.count > 1 else ""
    return (
        f"row {row} (sequence number {batch.first_seq + row}), feature {feature.name!r}: "
        f"expected {expected}, given {float(rows[row, column]):g}{more}"
    )


def admitted(label: Label, definition: StreamDefinition) -> Label:
    """The label as it goes on: a number in the one text that it has, so that equal labels are equal texts.

    Refuses a label that says nothing, does not say of what, or is no number where the stream's labels are numbers.

    Raises
    ------
    Inadmissible
        ``INVALID_LABEL`` or ``TOO_LARGE``.
    """
    if not label.label:
        raise Inadmissible("INVALID_LABEL", "label: expected a class or a number, given empty text")
    if label.seq < 0 and not label.request_id:
        raise Inadmissible("INVALID_LABEL", f"expected a seq of 0 or more or a request_id, given seq {label.seq} alone")
    check_text("label", label.label)
    check_text("request_id", label.request_id)
    if definition.task is not StreamTask.REGRESSION:
        return label
    value = outcomes.number(label.label)
    if value is None:
        raise Inadmissible("INVALID_LABEL", f"label: expected a finite number, given {label.label[:40]!r}")
    return replace(label, label=outcomes.plain(value))
