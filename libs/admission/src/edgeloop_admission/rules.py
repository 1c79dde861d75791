"""A stream definition as rules over arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import Mask, StreamDefinition
from edgeloop_contracts.masks import mask_of
from edgeloop_contracts.outcomes import LARGEST
from numpy.typing import NDArray

_MASKS = (Mask.DROP, Mask.PSEUDONYM, Mask.BUCKETS)


@dataclass(frozen=True, slots=True)
class Rules:
    """A stream definition as arrays over its F features.

    Attributes
    ----------
    definition
        What they were made from.
    minimum, maximum
        float32 [F]; infinite where the definition has no bound.
    lowest, highest
        The same with the largest float32 in place of infinity: a value within these is good whatever else holds.
    required
        bool [F]: NaN is refused.
    hidden, pseudonymous, bucketed
        bool [F]: how a value is masked. One that is hidden becomes NaN and is not looked at.
    widths
        float64 [F]: of the buckets; 0 elsewhere.
    masks
        Whether any feature is masked.
    """

    definition: StreamDefinition
    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    required: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    pseudonymous: NDArray[np.bool_]
    bucketed: NDArray[np.bool_]
    widths: NDArray[np.float64]
    masks: bool

    @classmethod
    def of(cls, definition: StreamDefinition, *, masked: bool = True) -> Rules:
        """Make the arrays of a definition.

        Bounds are rounded to float32 as the values were, so that a value equal to its bound stays inside.

        Parameters
        ----------
        masked
            Whether the rules are for masked values, as ingestion sees them. A pseudonym has no range, one that had to be dropped is
            missing, and the nearest bucket may lie half its width outside. On the device, values are looked at as they came.
        """
        features = definition.features
        how = [mask_of(feature) for feature in features]
        hidden, pseudonymous, bucketed = (np.array([mask is kind for mask in how], np.bool_) for kind in _MASKS)
        widths = np.array([feature.bucket if mask is Mask.BUCKETS else 0.0 for feature, mask in zip(features, how, strict=True)])
        minimum = np.array([-np.inf if f.minimum is None else f.minimum for f in features])
        maximum = np.array([np.inf if f.maximum is None else f.maximum for f in features])
        required = np.array([not f.nullable for f in features], np.bool_) & ~hidden
        if masked:
            minimum, maximum = minimum - widths / 2, maximum + widths / 2
            minimum[pseudonymous], maximum[pseudonymous] = -np.inf, np.inf
            required &= ~pseudonymous
        with np.errstate(over="ignore"):
            low, high = minimum.astype(np.float32), maximum.astype(np.float32)
        masks = any(mask is not Mask.NONE for mask in how)
        lowest, highest = np.maximum(low, np.float32(-LARGEST)), np.minimum(high, np.float32(LARGEST))
        return cls(definition, low, high, lowest, highest, required, hidden, pseudonymous, bucketed, widths, masks)
