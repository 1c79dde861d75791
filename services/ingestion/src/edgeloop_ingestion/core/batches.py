"""Batches of rows, from columns, split to the size of a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.rows import RowColumns
from numpy.typing import NDArray

MAX_BYTES = 512 * 1024


def of_columns(rows: RowColumns) -> Iterator[tuple[int, ObservationBatch]]:
    """Batches of consecutive rows of one version, each with the place of its first row. Merging the rows one by one gives the same
    batches.
    """
    for first, end in rows.runs(ObservationBatch.ROW_NUMBER, ObservationBatch.ROW_SHARED):
        yield first, ObservationBatch.from_columns(rows, first, end)


def runs_of(valid: NDArray[np.bool_], unseen: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Longest half-open ranges of valid rows within the new rows.

    Parameters
    ----------
    valid
        bool [count].
    unseen
        Half-open ranges of new rows, ascending.
    """
    for first, end in unseen:
        # A range begins where the mask rises and ends where it falls.
        edges = np.flatnonzero(np.diff(valid[first:end].astype(np.int8), prepend=0, append=0)).tolist()
        for rise, fall in zip(edges[::2], edges[1::2], strict=True):
            yield first + rise, first + fall


def most_rows(batch: ObservationBatch) -> int:
    """Rows of a batch that fit into one record."""
    return max(1, MAX_BYTES // batch.row_bytes)
