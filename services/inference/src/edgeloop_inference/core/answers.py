"""Answers in the forms in which the protocol carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said about some rows.

    Attributes
    ----------
    labels
        Class of each row, or its number as text.
    values
        Probabilities, float32 [n, C], columns in the order of the model's classes; or the numbers, float32 [n].
    """

    labels: tuple[str, ...]
    values: NDArray[np.float32]


def raw_texts(texts: Sequence[str]) -> bytes:
    """Pack texts as the protocol's raw BYTES: each with its length before it, four bytes, little-endian.

    >>> list(raw_texts(["ab", ""]))
    [2, 0, 0, 0, 97, 98, 0, 0, 0, 0]
    """
    parts: list[bytes] = []
    for text in texts:
        data = text.encode()
        parts += [len(data).to_bytes(4, "little"), data]
    return b"".join(parts)


def raw_floats(values: NDArray[np.float32]) -> bytes:
    """Pack float32 row by row, little-endian."""
    return values.astype("<f4", copy=False).tobytes()
