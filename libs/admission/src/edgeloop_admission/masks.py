"""Masks of values that must not leave a device unchanged.

A device masks a row before the model sees it and before it is stored, so that training sees the same values as serving. Ingestion masks
again, for rows from other producers. It has no device's salt, so it drops values that are no pseudonyms yet.
"""

from __future__ import annotations

import hmac

import numpy as np
from edgeloop_contracts import StreamKey
from edgeloop_contracts.outcomes import LARGEST
from numpy.typing import NDArray

from edgeloop_admission.rules import Rules

SALT_BYTES = 32
PSEUDONYMS = 1 << 23
"""Number of pseudonyms: the integers from -2^24 + 1 to -2^23. float32 holds them exactly, and hardly any measured value is one."""


def mask(values: NDArray[np.float32], rules: Rules, salt: bytes) -> NDArray[np.float32]:
    """Masked values, for the device's model and for storage; the given values if nothing is masked.

    Parameters
    ----------
    values
        float32 [n, F], unmasked.
    salt
        Secret of the device. Another salt gives other pseudonyms.

    Examples
    --------
    >>> from edgeloop_contracts import Feature, Mask, StreamDefinition
    >>> features = (Feature(name="a"), Feature(name="b", local_only=True), Feature(name="c", mask=Mask.BUCKETS, bucket=5))
    >>> mask(np.array([[1, 2, 38]], np.float32), Rules.of(StreamDefinition(tenant="default", stream="", features=features)), b"")
    array([[ 1., nan, 40.]], dtype=float32)
    """
    if not rules.masks:
        return values
    masked = _common(values, rules)
    definition = rules.definition
    for column in np.flatnonzero(rules.pseudonymous).tolist():
        name = f"{StreamKey.of(definition)}/{definition.features[column].name}".encode()
        masked[:, column] = _pseudonyms(values[:, column], salt, name)
    return masked


def mask_again(values: NDArray[np.float32], rules: Rules) -> NDArray[np.float32]:
    """Values as ingestion admits them; values masked by a device are unchanged."""
    if not rules.masks:
        return values
    masked = _common(values, rules)
    columns = masked[:, rules.pseudonymous]
    columns[~is_pseudonym(columns)] = np.nan
    masked[:, rules.pseudonymous] = columns
    return masked


def is_pseudonym(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether values have the form of pseudonyms."""
    return (values <= -PSEUDONYMS) & (values > -2 * PSEUDONYMS) & (values == np.floor(values))


def _common(values: NDArray[np.float32], rules: Rules) -> NDArray[np.float32]:
    """A copy with dropped and bucketed values; bucketing twice changes nothing."""
    masked = values.copy()
    masked[:, rules.hidden] = np.nan
    if rules.bucketed.any():
        widths, given = rules.widths[rules.bucketed], values[:, rules.bucketed].astype(np.float64)
        nearest = np.clip(np.rint(given / widths) * widths, -LARGEST, LARGEST)
        masked[:, rules.bucketed] = np.where(np.isinf(given), given, nearest)  # the checks refuse an infinite value
    return masked


def _pseudonyms(values: NDArray[np.float32], salt: bytes, name: bytes) -> NDArray[np.float32]:
    found, places = np.unique(values + np.float32(0), return_inverse=True)  # adding 0 turns -0 into 0
    made = [_pseudonym(value.tobytes(), salt, name) for value in found.astype("<f4")]
    return np.where(np.isnan(values), np.float32(np.nan), np.array(made, np.float32)[places])


def _pseudonym(value: bytes, salt: bytes, name: bytes) -> float:
    digest = hmac.digest(salt, name + b"\0" + value, "sha256")
    return -float(PSEUDONYMS + int.from_bytes(digest[:3], "big") % PSEUDONYMS)
