"""Acceptance of a well-shaped batch: new rows are accepted, repeated rows are dropped, contradicting rows are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from edgeloop_admission import Complaint, Verdict
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.row_numbers import UNNUMBERED
from edgeloop_contracts.rows import slices
from numpy.typing import NDArray

from edgeloop_ingestion.core.batches import most_rows, runs_of
from edgeloop_ingestion.core.digests import Ids, row_digests
from edgeloop_ingestion.core.epochs import Epoch
from edgeloop_ingestion.core.row_numbers import Numbering


@dataclass(slots=True)
class Acceptance:
    """Result of the acceptance of a batch.

    Attributes
    ----------
    parts
        New valid rows, in pieces that fit into one record each.
    accepted, duplicate, uncompared, contradicting
        Numbers of rows. An uncompared row was dropped as a duplicate, since its contents are no longer remembered.
    given_up
        Sequence numbers in closed gaps, which count as accepted from now on.
    complaint
        Complaint about the first row with a known number or id and other contents.
    """

    parts: list[ObservationBatch] = field(default_factory=list[ObservationBatch])
    accepted: int = 0
    duplicate: int = 0
    uncompared: int = 0
    contradicting: int = 0
    given_up: int = 0
    complaint: Complaint | None = None


def accept_numbered(epoch: Epoch, verdict: Verdict) -> Acceptance:
    """Accept rows by their sequence numbers."""
    batch, first, result = verdict.batch, verdict.batch.first_seq, Acceptance()
    gaps, known = _unseen(epoch, verdict)
    digests = None if known is None else row_digests(batch)
    if known is not None and digests is not None:
        comparison = epoch.contents.compare(first, digests, known)
        epoch.contents.differs = comparison.last
        rows = np.flatnonzero(comparison.differs).tolist()
        result.contradicting, result.uncompared = len(rows), comparison.uncompared
        if rows:
            numbers = f"sequence number {first + rows[0]} of boot_epoch {batch.boot_epoch}"
            result.complaint = _contradiction("NUMBER_TAKEN", rows, batch.count, numbers)
    runs = list(runs_of(verdict.valid, gaps)) if verdict.complaint else gaps
    for a, b in runs:
        result.parts += slices(batch.slice(a, b), most_rows(batch))
        result.accepted += b - a
        result.given_up += epoch.runs.add(first + a, first + b)
        if digests is None:
            epoch.contents.add_later(first + a, batch, a, b)
        else:
            epoch.contents.add(first + a, digests[a:b])
    valid = int(verdict.valid.sum()) if verdict.complaint else batch.count
    result.duplicate = valid - result.accepted - result.contradicting - result.uncompared
    return result


def contradicts(epoch: Epoch, verdict: Verdict) -> bool:
    """Whether :func:`accept_numbered` would complain; changes nothing."""
    _, known = _unseen(epoch, verdict)
    return known is not None and bool(epoch.contents.compare(verdict.batch.first_seq, row_digests(verdict.batch), known).differs.any())


def accept_unnumbered(numbering: Numbering, verdict: Verdict, named: Sequence[str], ids: Ids) -> Acceptance:
    """Accept rows by their ids, and number the new ones.

    Parameters
    ----------
    named, ids
        Id of each row, and its digest.
    """
    batch, result = verdict.batch, Acceptance()
    digests = row_digests(batch)
    runs: list[tuple[int, int, int]] = []  # rows [a, b) and the number of the first
    if verdict.valid.all() and not numbering.any_known(ids):
        runs.append((0, batch.count, numbering.add(ids, digests)))
    else:
        other: list[int] = []
        for i in np.flatnonzero(verdict.valid).tolist():
            number = numbering.number_of(ids[i])
            if number is None:
                number = numbering.add(ids[i : i + 1], digests[i : i + 1])
                a, end, begins = runs.pop() if runs and runs[-1][1] == i else (i, i, number)
                runs.append((a, end + 1, begins))
                continue
            comparison = numbering.contents.compare(number, digests[i : i + 1], np.ones(1, np.bool_))
            numbering.contents.differs = comparison.last
            result.uncompared += comparison.uncompared
            other += [i] * int(comparison.differs[0])
        result.contradicting = len(other)
        if other:
            result.complaint = _contradiction("ID_TAKEN", other, batch.count, f"id {named[other[0]][1:41]!r}")
    for a, b, number in runs:
        numbered = replace(batch.slice(a, b), boot_epoch=UNNUMBERED, first_seq=number)
        result.parts += slices(numbered, most_rows(batch))
        result.accepted += b - a
    result.duplicate = int(verdict.valid.sum()) - result.accepted - result.contradicting - result.uncompared
    return result


def _unseen(epoch: Epoch, verdict: Verdict) -> tuple[list[tuple[int, int]], NDArray[np.bool_] | None]:
    """Half-open ranges of new rows, and a mask of the valid repeated rows; ``None`` if there are none."""
    first, count = verdict.batch.first_seq, verdict.batch.count
    gaps = [(a - first, b - first) for a, b in epoch.runs.unseen(first, first + count)]
    if gaps == [(0, count)]:
        return gaps, None
    known = verdict.valid.copy()
    for a, b in gaps:
        known[a:b] = False
    return gaps, known


def _contradiction(reason: str, rows: list[int], count: int, given: str) -> Complaint:
    more = f"; {len(rows)} of {count} rows refused" if count > 1 else ""
    expected = "a new number or id, or the known contents"
    hint = "two devices with one name, or a producer that restarts its count without a new boot_epoch?"
    return Complaint(reason, f"row {rows[0]}: expected {expected}, given {given} with other contents ({hint}){more}")
