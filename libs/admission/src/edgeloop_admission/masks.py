"""Values that must not leave a device as they are.

A device masks before the model sees a row and before the row is kept, so that training sees what serving saw. Ingestion masks once more,
for rows that come by other doors: it has no device's salt, so that what is no pseudonym yet is dropped.
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
"""How many there are: the integers from -2^24 + 1 to -2^23, which float32 holds exactly and which hardly any measured value is."""


def mask(values: NDArray[np.float32], rules: Rules, salt: bytes) -> NDArray[np.float32]:
    """Values as the device's model sees them and as they leave it; the given ones where nothing is masked.

    Parameters
    ----------
    values
        float32 [n, F], as they came.
    salt
        Secret of the device. With another salt, pseudonyms are others.

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
    """Values as ingestion lets them in: those that a device has masked stay as they are."""
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
    """A copy in which values are dropped, or in buckets; a value in its bucket stays where it is."""
    masked = values.copy()
    masked[:, rules.hidden] = np.nan
    if rules.bucketed.any():
        widths, given = rules.widths[rules.bucketed], values[:, rules.bucketed].astype(np.float64)
        nearest = np.clip(np.rint(given / widths) * widths, -LARGEST, LARGEST)
        masked[:, rules.bucketed] = np.where(np.isinf(given), given, nearest)  # an infinite value is for the checks to refuse
    return masked


def _pseudonyms(values: NDArray[np.float32], salt: bytes, name: bytes) -> NDArray[np.float32]:
    found, places = np.unique(values + np.float32(0), return_inverse=True)  # adding 0 makes one number of -0 and 0
    made = [_pseudonym(value.tobytes(), salt, name) for value in found.astype("<f4")]
    return np.where(np.isnan(values), np.float32(np.nan), np.array(made, np.float32)[places])


def _pseudonym(value: bytes, salt: bytes, name: bytes) -> float:
    digest = hmac.digest(salt, name + b"\0" + value, "sha256")
    return -float(PSEUDONYMS + int.from_bytes(digest[:3], "big") % PSEUDONYMS)
