"""Batches of rows: made of columns, and split to the size of a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.rows import RowColumns
from numpy.typing import NDArray

MAX_BYTES = 512 * 1024


def of_columns(rows: RowColumns) -> Iterator[tuple[int, ObservationBatch]]:
    """Consecutive rows that one version answered as one batch each, with the place of its first row; as merging the rows one by one would make it."""
    for first, end in rows.runs(ObservationBatch.ROW_NUMBER, ObservationBatch.ROW_SHARED):
        yield first, ObservationBatch.from_columns(rows, first, end)


def runs_of(valid: NDArray[np.bool_], unseen: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Maximal half-open runs of valid rows within the unseen ones.

    Parameters
    ----------
    valid
        bool [count].
    unseen
        Half-open row ranges, ascending.
    """
    for first, end in unseen:
        # Edges of the mask: a run begins where it rises and ends where it falls.
        edges = np.flatnonzero(np.diff(valid[first:end].astype(np.int8), prepend=0, append=0)).tolist()
        for rise, fall in zip(edges[::2], edges[1::2], strict=True):
            yield first + rise, first + fall


def most_rows(batch: ObservationBatch) -> int:
    """Rows of a batch that fit into one record."""
    return max(1, MAX_BYTES // batch.row_bytes)
