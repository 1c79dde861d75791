"""Batches of rows: made of columns, and split to the size of a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.rows import not_empty
from numpy.typing import NDArray

from edgeloop_ingestion.core.columns import Columns

MAX_BYTES = 512 * 1024


def of_columns(columns: Columns) -> Iterator[tuple[ObservationBatch, list[int]]]:
    """Consecutive rows that one version answered as one batch each, with the places of its rows; as merging the rows one by one would make it."""
    with np.errstate(over="ignore"):
        features = columns.features.astype("<f4")
    breaks = np.flatnonzero((np.diff(columns.seqs) != 1) | (np.diff(columns.model_versions) != 0)) + 1
    for first, end in pairwise([0, *breaks.tolist(), len(columns.seqs)]):
        times = columns.event_times[first:end].tolist()
        requests, answers = columns.request_ids[first:end], columns.answers[first:end]
        batch = ObservationBatch(
            tenant=columns.tenant,
            stream=columns.stream,
            device_id=columns.device_id,
            boot_epoch=columns.boot_epoch,
            first_seq=int(columns.seqs[first]),
            count=end - first,
            features=features[first:end].tobytes(),
            event_times=not_empty(tuple(times)),
            request_ids=not_empty(tuple(requests)),
            model_version=int(columns.model_versions[first]),
            answers=not_empty(tuple(answers)),
        )
        yield batch, columns.places[first:end].tolist()


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
