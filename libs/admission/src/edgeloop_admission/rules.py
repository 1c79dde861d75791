"""A stream definition as rules over arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import StreamDefinition
from numpy.typing import NDArray


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
