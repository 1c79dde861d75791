"""Level one of input detection: sums over blocks of one device's rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from edgeloop_contracts import BlockState, DriftPartial, ObservationBatch, PartialKind

ROWS = 50


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a batch in ``observations``."""

    partition: int
    offset: int


def problem(batch: ObservationBatch) -> str:
    """Reason why a batch cannot be summed up, or ``""``."""
    if batch.count < 1 or not batch.features or len(batch.features) % (4 * batch.count):
        return f"{len(batch.features)} bytes of features do not make {batch.count} rows"
    return ""


def fold(state: BlockState | None, batch: ObservationBatch, place: Place) -> tuple[BlockState, list[DriftPartial]]:
    """Add a batch of a device to its open block; return the block and the partials of completed blocks.

    A block is ``ROWS`` rows whose sequence numbers begin at a multiple of ``ROWS``. When rows are missing, the block ends
    with the first row of a later one; it is dropped if less than half of it arrived. Rows before the newest row are
    skipped, so a repeated batch changes nothing. Another boot epoch, higher or lower, begins a new block, so a forged epoch costs one block.

    Parameters
    ----------
    state
        The device's open block; ``None`` for a new device.
    batch
        A batch in which :func:`problem` finds nothing.
    place
        The place of the batch.
    """
    rows = np.frombuffer(batch.features, dtype="<f4").reshape(batch.count, -1)
    if state is None or batch.boot_epoch != state.boot_epoch or len(state.sums) != rows.shape[1]:
        state = _empty(batch, rows.shape[1])
    done: list[DriftPartial] = []
    for first, part in _parts(batch.first_seq, rows, state.next_seq):
        begins = first // ROWS * ROWS
        if state.count and begins != state.first_seq // ROWS * ROWS:
            done += _finished(state, batch, place)
            state = _emptied(state)
        state = _added(state, first, part)
        if state.next_seq == begins + ROWS:
            done += _finished(state, batch, place)
            state = _emptied(state)
    return state, done


def _parts(first_seq: int, rows: np.ndarray, from_seq: int) -> Iterator[tuple[int, np.ndarray]]:
    """The rows from ``from_seq`` on, cut where blocks begin."""
    at = max(first_seq, from_seq)
    end = first_seq + len(rows)
    while at < end:
        stop = min(at // ROWS * ROWS + ROWS, end)
        yield at, rows[at - first_seq : stop - first_seq]
        at = stop


def _added(state: BlockState, first: int, part: np.ndarray) -> BlockState:
    has = np.isfinite(part)
    values = np.where(has, part, 0.0).astype(np.float64)
    # A running sum adds row after row in batches of any size; numpy's sum() pairs rows, and rounds differently.
    sums = np.cumsum(np.vstack([np.asarray(state.sums), values]), axis=0)[-1]
    present = np.asarray(state.present) + has.sum(axis=0)
    return replace(
        state,
        first_seq=state.first_seq if state.count else first,
        next_seq=first + len(part),
        count=state.count + len(part),
        sums=tuple(sums.tolist()),
        present=tuple(present.tolist()),
    )


def _finished(state: BlockState, batch: ObservationBatch, place: Place) -> list[DriftPartial]:
    if 2 * state.count < ROWS:
        return []
    return [
        DriftPartial(
            tenant=batch.tenant,
            stream=batch.stream,
            device_id=batch.device_id,
            model_version=batch.model_version,
            kind=PartialKind.FEATURES,
            partition=place.partition,
            offset=place.offset,
            first_index=state.first_seq,
            count=state.count,
            sums=state.sums,
            present=state.present,
        )
    ]


def _empty(batch: ObservationBatch, features: int) -> BlockState:
    return BlockState(
        tenant=batch.tenant,
        stream=batch.stream,
        device_id=batch.device_id,
        boot_epoch=batch.boot_epoch,
        sums=(0.0,) * features,
        present=(0,) * features,
    )


def _emptied(state: BlockState) -> BlockState:
    features = len(state.sums)
    return replace(state, count=0, sums=(0.0,) * features, present=(0,) * features)
