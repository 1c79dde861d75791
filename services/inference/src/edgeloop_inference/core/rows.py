"""Answered rows, and the batches in which they leave the device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgeloop_contracts import ObservationBatch

BATCH_ROWS = 256


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows in the outbox, at most :data:`BATCH_ROWS`, their place and their bytes; the sender adds the device's name."""

    place: int
    batch: ObservationBatch
    size: int = 0


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """A batch, and the places in the outbox that are freed once the broker has it."""

    batch: ObservationBatch
    places: tuple[int, ...]


def within(stored: Sequence[StoredRows], allowed: float) -> Sequence[StoredRows]:
    """The first entries that take no more bytes than allowed; one at least where anything is allowed.

    >>> rows = [StoredRows(place, ObservationBatch(tenant="t", stream="s", device_id="", boot_epoch=0, first_seq=-1), 10) for place in range(3)]
    >>> [len(within(rows, allowed)) for allowed in (-1, 0, 1, 20, 29, 30)]
    [0, 0, 1, 2, 2, 3]
    """
    if allowed <= 0:
        return ()
    total = 0
    for place, entry in enumerate(stored):
        total += entry.size
        if total > allowed and place:
            return stored[:place]
    return stored


def row_ids(request_id: str, count: int) -> tuple[str, ...]:
    """Request id of each row of one request: the id itself for one row, else the id and the row's index.

    >>> row_ids("a7", 1), row_ids("a7", 2), row_ids("", 3)
    (('a7',), ('a7/0', 'a7/1'), ())
    """
    if not request_id:
        return ()
    return (request_id,) if count == 1 else tuple(f"{request_id}/{i}" for i in range(count))


def pack(tenant: str, device: str, epoch: int, stored: Iterable[StoredRows], limit: int = BATCH_ROWS) -> list[OutgoingBatch]:
    """Combine consecutive rows of one stream, version and adapter into batches, in the order of storage.

    A batch ends at a gap in the numbers (rows were dropped), at another version or adapter, and at ``limit`` rows. Streams are
    independent of each other.
    """
    open_runs: dict[str, list[StoredRows]] = {}
    outgoing: list[OutgoingBatch] = []

    def close(run: list[StoredRows]) -> None:
        batch = replace(
            ObservationBatch.concat([item.batch for item in run]),
            tenant=tenant,
            device_id=device,
            boot_epoch=epoch,
        )
        outgoing.append(OutgoingBatch(batch, tuple(item.place for item in run)))

    for item in stored:
        run = open_runs.setdefault(item.batch.stream, [])
        if run and not (item.batch.follows(run[-1].batch) and item.batch.first_seq + item.batch.count - run[0].batch.first_seq <= limit):
            close(run)
            run.clear()
        run.append(item)
    for run in open_runs.values():
        close(run)
    return outgoing
