"""What can be looked at in a row: a number as it is, and whether a feature is a certain category.

Columns have numbers. In rows of F features, column c is feature c where c < F. Else it tells whether feature c mod F is category
c // F - 1: 1 for yes, 0 for no. A category that is unknown or missing is none, and all its columns are 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from edgeloop_contracts import StreamDefinition
from numpy.typing import NDArray

EACH = 64
"""Categories of one feature that have a column, the first ones; a further one is looked at like an unknown one."""
MOST = 4_096
"""Columns of all categories together; where there are many features with categories, each has fewer."""

Floats = NDArray[np.float32]
Columns = NDArray[np.int64]


def categories_of(definition: StreamDefinition) -> tuple[int, ...]:
    """How many categories each feature of a stream has, 0 for a number; empty if all are numbers."""
    counts = tuple(len(feature.categories) for feature in definition.features)
    return counts if any(counts) else ()


def columns(categories: Sequence[int], width: int) -> Columns:
    """The columns of rows of ``width`` features: all features that are numbers, then the categories.

    Parameters
    ----------
    categories
        How many each feature has, 0 for a number; empty if all are numbers.

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
    of_categories = [feature + width * (1 + code) for feature in named.tolist() for code in range(min(counts[feature], each))]
    return np.array([*np.flatnonzero(counts == 0).tolist(), *of_categories], np.int64)


def looked_at(rows: Floats, chosen: Columns) -> Floats:
    """Some columns of rows [N, F], float32 [N, D].

    Examples
    --------
    >>> rows = np.array([[0.5, 1], [2.5, -1], [4.5, np.nan]], np.float32)
    >>> looked_at(rows, columns((0, 2), 2)).tolist()
    [[0.5, 0.0, 1.0], [2.5, 0.0, 0.0], [4.5, 0.0, 0.0]]
    """
    features, codes = parts(chosen, rows.shape[1])
    values = rows[:, features]
    of_categories = codes >= 0
    if of_categories.any():
        values[:, of_categories] = values[:, of_categories] == codes[of_categories]
    return values


def parts(chosen: Columns, width: int) -> tuple[Columns, Columns]:
    """Of each column its feature, and its category, -1 for a number."""
    return chosen % width, chosen // width - 1
