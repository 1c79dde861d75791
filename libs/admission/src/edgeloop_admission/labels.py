"""Admission of labels."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import Label, StreamDefinition, StreamTask, outcomes

from edgeloop_admission.device_names import MAX_LONG, InadmissibleError, check_number, check_text
from edgeloop_admission.rows import FIRST_TIME, LAST_TIME


def admitted(label: Label, definition: StreamDefinition) -> Label:
    """The label in canonical form: without surrounding space, and a number as its shortest text, so that equal labels are equal texts.

    Refuses an empty label, a label without a row, and a label that is no number in a regression stream.

    Raises
    ------
    InadmissibleError
        ``INVALID_LABEL`` or ``TOO_LARGE``.
    """
    text = label.label.strip()
    if not text:
        raise InadmissibleError(
            "INVALID_LABEL", f"label: expected a class or a number, given {'only space' if label.label else 'empty text'}"
        )
    check_number("seq", label.seq, -1, MAX_LONG, "INVALID_LABEL")
    if label.seq < 0 and not label.request_id:
        raise InadmissibleError("INVALID_LABEL", f"expected a seq of 0 or more or a request_id, given seq {label.seq} alone")
    check_number("event_time", label.event_time, FIRST_TIME, LAST_TIME, "INVALID_LABEL")
    check_text("label", text)
    check_text("request_id", label.request_id)
    if definition.task is not StreamTask.REGRESSION:
        return label if text == label.label else replace(label, label=text)
    value = outcomes.number(text)
    if value is None:
        raise InadmissibleError("INVALID_LABEL", f"label: expected a finite number, given {text[:40]!r}")
    return replace(label, label=outcomes.plain(value))
