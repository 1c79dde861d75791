"""Columns of a row: its numbers, and indicators of its categories.

Columns have numbers. In rows of F features, column c is feature c where c < F. Otherwise it is 1 if feature c mod F has category
c // F - 1, and 0 if not. All columns of an unknown or missing category are 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from edgeloop_contracts import StreamDefinition
from numpy.typing import NDArray

EACH = 64
"""Most categories of one feature that have a column; later ones count as unknown."""
MOST = 4_096
"""Most columns of all categories together; with many such features, each has fewer."""

Floats = NDArray[np.float32]
Columns = NDArray[np.int64]


def categories_of(definition: StreamDefinition) -> tuple[int, ...]:
    """Number of categories of each feature of a stream, 0 for a number; empty if all are numbers."""
    counts = tuple(len(feature.categories) for feature in definition.features)
    return counts if any(counts) else ()


def columns(categories: Sequence[int], width: int) -> Columns:
    """The columns of rows of ``width`` features: all features that are numbers, then the categories.

    Parameters
    ----------
    categories
        Number of each feature's categories, 0 for a number; empty if all are numbers.

    Examples
    --------
    >>> columns((0, 2), 2).tolist()
    [0, 3, 5]
    >>> columns((), 2).tolist()
    [0, 1]
    """
    counts = np.fromiter(categories or (0,) * width, np.int64)
    named = np.flatnonzero(counts)
    each = max(1, min(EACH, MOST // max(1, len(named))))
    is_category = [feature + width * (1 + code) for feature in named.tolist() for code in range(min(counts[feature], each))]
    return np.array([*np.flatnonzero(counts == 0).tolist(), *is_category], np.int64)


def select_columns(rows: Floats, chosen: Columns) -> Floats:
    """Selected columns of rows [N, F], float32 [N, D].

    Examples
    --------
    >>> rows = np.array([[0.5, 1], [2.5, -1], [4.5, np.nan]], np.float32)
    >>> select_columns(rows, columns((0, 2), 2)).tolist()
    [[0.5, 0.0, 1.0], [2.5, 0.0, 0.0], [4.5, 0.0, 0.0]]
    """
    features, codes = parts(chosen, rows.shape[1])
    values = rows[:, features]
    is_category = codes >= 0
    if is_category.any():
        values[:, is_category] = values[:, is_category] == codes[is_category]
    return values


def parts(chosen: Columns, width: int) -> tuple[Columns, Columns]:
    """Feature and category of each column; the category of a number is -1."""
    return chosen % width, chosen // width - 1
