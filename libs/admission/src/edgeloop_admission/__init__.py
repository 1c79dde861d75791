"""Admission of rows and labels to a stream; devices apply it before they answer, ingestion afterwards."""

from edgeloop_admission.batches import Verdict, check_shape, judge
from edgeloop_admission.device_names import (
    MAX_EPOCH,
    MAX_INT,
    MAX_LONG,
    MAX_TEXT,
    InadmissibleError,
    Named,
    check_number,
    check_text,
    device_key,
)
from edgeloop_admission.labels import admitted
from edgeloop_admission.masks import SALT_BYTES, mask
from edgeloop_admission.named_rows import ordered
from edgeloop_admission.rows import Complaint, Rows, complaints
from edgeloop_admission.rules import Rules

__all__ = [
    "MAX_EPOCH",
    "MAX_INT",
    "MAX_LONG",
    "MAX_TEXT",
    "SALT_BYTES",
    "Complaint",
    "InadmissibleError",
    "Named",
    "Rows",
    "Rules",
    "Verdict",
    "admitted",
    "check_number",
    "check_shape",
    "check_text",
    "complaints",
    "device_key",
    "judge",
    "mask",
    "ordered",
]
