"""Admission of a batch: its shape, and its valid rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.plausibility import ragged
from numpy.typing import NDArray

from edgeloop_admission.device_names import MAX_INT, MAX_LONG, InadmissibleError, check_number, check_text
from edgeloop_admission.masks import mask_again
from edgeloop_admission.rows import Complaint, Rows, bad_rows, bad_values, complaint
from edgeloop_admission.rules import Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of the admission of a batch.

    Attributes
    ----------
    batch
        The batch, masked as the definition requires.
    valid
        bool [count]: admitted rows.
    complaint
        Complaint about the first bad row, with the number of bad rows; ``None`` if all are valid.
    masked
        Number of rows with a masked feature.
    """

    batch: ObservationBatch
    valid: NDArray[np.bool_]
    complaint: Complaint | None
    masked: int


def check_shape(batch: ObservationBatch, width: int) -> None:
    """Refuse a batch whose fields do not fit together, since its rows cannot be separated.

    Parameters
    ----------
    width
        Number of features F of the stream.

    Raises
    ------
    InadmissibleError
        ``INVALID_SHAPE``.
    """
    if width < 1:
        raise InadmissibleError("INVALID_SHAPE", f"stream {batch.stream!r} has no features")
    check_number("count", batch.count, 1, MAX_INT, "INVALID_SHAPE")
    if not -1 <= batch.first_seq <= MAX_LONG - batch.count:
        raise InadmissibleError("INVALID_SHAPE", f"first_seq: expected 0 to 2^63 - 1 - count, or -1 for none, given {batch.first_seq}")
    check_number("model_version", batch.model_version, 0, MAX_INT, "INVALID_SHAPE")
    check_number("adapter", batch.adapter, 0, MAX_LONG, "INVALID_SHAPE")
    if len(batch.features) != batch.count * width * 4:
        expected = f"{batch.count} rows of {width} features of 4 bytes = {batch.count * width * 4}"
        raise InadmissibleError("INVALID_SHAPE", f"features: expected {expected}, given {len(batch.features)}")
    for name in batch.SHARED:
        if name not in batch.IDENTITY and isinstance(text := getattr(batch, name), str):
            check_text(name, text)
    if why := ragged(batch):
        raise InadmissibleError("INVALID_SHAPE", why)


def judge(batch: ObservationBatch, rules: Rules) -> Verdict:
    """Separate valid and bad rows of a well-shaped batch, and mask values that must not leave a device."""
    values = np.frombuffer(batch.features, dtype="<f4").reshape(batch.count, len(rules.definition.features))
    masked = 0
    if rules.masks:
        hidden = mask_again(values, rules)
        masked = int((~_same(values, hidden)).any(axis=1).sum())
        if masked:
            values = hidden
            batch = replace(batch, features=values.tobytes())
    rows = Rows(values, batch.row_texts, batch.event_times)
    bad = bad_values(values, rules)
    refused = bad_rows(rows, bad)
    if not refused.any():
        return Verdict(batch, ~refused, None, masked)
    first = int(np.flatnonzero(refused)[0])
    one = complaint(rows, bad, first, rules)
    more = f"; {int(refused.sum())} of {batch.count} rows refused" if batch.count > 1 else ""
    named = f"sequence number {batch.first_seq + first}" if batch.first_seq >= 0 else "no sequence number"
    message = f"row {first} ({named}), {one.message}{more}"
    return Verdict(batch, ~refused, Complaint(one.reason, message), masked)


def _same(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    return (one == other) | (np.isnan(one) & np.isnan(other))
