"""Rows as batches, and batches cut apart with all that belongs to their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from edgeloop_contracts import ObservationBatch, ObservationRow
from numpy.typing import NDArray

from edgeloop_ingestion.core.columns import Columns

MAX_BYTES = 512 * 1024
T = TypeVar("T")


def of_row(row: ObservationRow) -> ObservationBatch:
    """A batch of one row; a value too large for float32 becomes infinite, which admission refuses."""
    with np.errstate(over="ignore"):
        features = np.asarray(row.features, dtype=np.float64).astype("<f4").tobytes()
    return ObservationBatch(
        tenant=row.tenant,
        stream=row.stream,
        device_id=row.device_id,
        boot_epoch=row.boot_epoch,
        first_seq=row.seq,
        count=1,
        features=features,
        event_times=(row.event_time,) if row.event_time else (),
        request_ids=(row.request_id,) if row.request_id else (),
        model_version=row.model_version,
        answers=(row.answer,) if row.answer else (),
    )


def of_columns(columns: Columns) -> Iterator[tuple[ObservationBatch, list[int]]]:
    """Consecutive rows that one version answered as one batch each, with the places of its rows; as :func:`of_row` and merging would make it."""
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
            event_times=said(tuple(times)),
            request_ids=said(tuple(requests)),
            model_version=int(columns.model_versions[first]),
            answers=said(tuple(answers)),
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


def cut(batch: ObservationBatch, first: int, end: int) -> Iterator[ObservationBatch]:
    """Rows ``[first, end)`` of a batch, in pieces that fit into one record each."""
    step = max(1, MAX_BYTES // row_bytes(batch))
    width = len(batch.features) // batch.count
    if first == 0 and end == batch.count <= step:
        yield batch
        return
    for start in range(first, end, step):
        stop = min(end, start + step)
        yield ObservationBatch(
            tenant=batch.tenant,
            stream=batch.stream,
            device_id=batch.device_id,
            boot_epoch=batch.boot_epoch,
            first_seq=batch.first_seq + start,
            count=stop - start,
            features=batch.features[start * width : stop * width],
            event_times=said(batch.event_times[start:stop]),
            request_ids=said(batch.request_ids[start:stop]),
            model_version=batch.model_version,
            answers=said(batch.answers[start:stop]),
            adapter=batch.adapter,
            answers_alone=said(batch.answers_alone[start:stop]),
        )


def said(values: tuple[T, ...]) -> tuple[T, ...]:
    """The values of a field, or none at all where every row leaves it empty."""
    return values if any(values) else ()


def row_bytes(batch: ObservationBatch) -> int:
    """Upper bound of one row's bytes in Avro: features, a time, and texts of at most 4 bytes a character."""
    texts = sum(max(map(len, each), default=0) for each in (batch.request_ids, batch.answers, batch.answers_alone))
    return len(batch.features) // batch.count + 10 + 4 * texts + 9
