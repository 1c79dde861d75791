"""Rows that were answered, and the batches in which they leave the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edgeloop_contracts import ObservationBatch

BATCH_ROWS = 256


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of one stream, answered by one model version with one adapter; at most :data:`BATCH_ROWS`.

    Attributes
    ----------
    features
        ``count`` rows of F little-endian float32 each.
    event_times
        Milliseconds since 1970, one a row.
    request_ids
        One a row, or empty.
    answers
        Predicted class of each row.
    adapter
        Adapter that answered together with the version; 0 for none.
    alone
        What the version alone would have answered: empty where the same, or nothing where that is so for all.
    """

    stream: str
    version: int
    count: int
    features: bytes
    event_times: tuple[int, ...]
    request_ids: tuple[str, ...]
    answers: tuple[str, ...]
    adapter: int = 0
    alone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows with the number of the first one and the place in the outbox."""

    place: int
    first_seq: int
    rows: Rows


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch, and the places in the outbox that it empties once the broker has it."""

    batch: ObservationBatch
    places: tuple[int, ...]


def split(rows: Rows, limit: int = BATCH_ROWS) -> Iterator[Rows]:
    """Cut the rows of one request into pieces that fit into a batch."""
    if rows.count <= limit:
        yield rows
        return
    width = len(rows.features) // rows.count
    for first in range(0, rows.count, limit):
        end = min(first + limit, rows.count)
        yield Rows(
            rows.stream,
            rows.version,
            end - first,
            rows.features[first * width : end * width],
            rows.event_times[first:end],
            rows.request_ids[first:end],
            rows.answers[first:end],
            rows.adapter,
            rows.alone[first:end],
        )


def row_ids(request_id: str, count: int) -> tuple[str, ...]:
    """Request id of each row of one request: the id itself for one row, else with the row's index behind it.

    >>> row_ids("a7", 1), row_ids("a7", 2), row_ids("", 3)
    (('a7',), ('a7/0', 'a7/1'), ())
    """
    if not request_id:
        return ()
    return (request_id,) if count == 1 else tuple(f"{request_id}/{i}" for i in range(count))


def pack(tenant: str, device: str, epoch: int, stored: Iterable[StoredRows], limit: int = BATCH_ROWS) -> list[Parcel]:
    """Put consecutive rows of one stream, version and adapter together, in the order in which they were stored.

    A batch ends where its numbers have a gap (rows were dropped), version or adapter change, or it would exceed ``limit``.
    Streams are independent of each other.
    """
    open_runs: dict[str, list[StoredRows]] = {}
    parcels: list[Parcel] = []
    for item in stored:
        run = open_runs.setdefault(item.rows.stream, [])
        if run and not _fits(run, item, limit):
            parcels.append(_parcel(tenant, device, epoch, run))
            run.clear()
        run.append(item)
    parcels += [_parcel(tenant, device, epoch, run) for run in open_runs.values()]
    return parcels


def _fits(run: Sequence[StoredRows], item: StoredRows, limit: int) -> bool:
    first, last = run[0], run[-1]
    return (
        (last.rows.version, last.rows.adapter) == (item.rows.version, item.rows.adapter)
        and last.first_seq + last.rows.count == item.first_seq
        and item.first_seq + item.rows.count - first.first_seq <= limit
        and len(last.rows.features) * item.rows.count == len(item.rows.features) * last.rows.count
    )


def _parcel(tenant: str, device: str, epoch: int, run: Sequence[StoredRows]) -> Parcel:
    rows = [item.rows for item in run]
    count = sum(r.count for r in rows)
    ids: tuple[str, ...] = ()
    if any(r.request_ids for r in rows):
        ids = tuple(i for r in rows for i in (r.request_ids or ("",) * r.count))
    alone: tuple[str, ...] = ()
    if any(r.alone for r in rows):
        alone = tuple(a for r in rows for a in (r.alone or ("",) * r.count))
    batch = ObservationBatch(
        tenant=tenant,
        stream=rows[0].stream,
        device_id=device,
        boot_epoch=epoch,
        first_seq=run[0].first_seq,
        count=count,
        features=b"".join(r.features for r in rows),
        event_times=tuple(t for r in rows for t in r.event_times),
        request_ids=ids,
        model_version=rows[0].version,
        answers=tuple(a for r in rows for a in r.answers),
        adapter=rows[0].adapter,
        answers_alone=alone,
    )
    return Parcel(batch, tuple(item.place for item in run))
