"""Places of a stream's labelled rows: windows of rows as ranges of ``examples``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from edgeloop_contracts import DriftPartial, Range, Reference
from edgeloop_contracts.pooled_order import PooledOrder
from edgeloop_errors import InvalidError

PAGE = 500  # rows whose references are kept in one record


class MissingRowsError(InvalidError):
    """A window reaches back to rows whose places are no longer known."""


def reference(order: PooledOrder, partial: DriftPartial) -> Reference | None:
    """Place of the rows that ``partial`` adds to ``order``; ``None`` if it adds none."""
    skipped = order.skipped(partial)
    if skipped == partial.count:
        return None
    return Reference(
        partition=partial.partition,
        offset=partial.offset,
        first_index=partial.first_index + skipped,
        count=partial.count - skipped,
        row=order.rows,
    )


def page_of(reference: Reference) -> int:
    """Number of the page that a reference belongs to."""
    return reference.row // PAGE


def oldest(references: Iterable[Reference]) -> int:
    """Number of labelled rows before the oldest known one; the references are in the order of their rows."""
    return next((r.row for r in references), 0)


def outdated(pages: Mapping[int, Iterable[Reference]], first: int) -> list[int]:
    """Pages whose rows are all among the first ``first`` ones."""
    return [page for page, held in pages.items() if all(r.row + r.count <= first for r in held)]


def ranges(references: Iterable[Reference], start: int, end: int) -> tuple[Range, ...]:
    """Ranges of ``examples`` that hold exactly rows ``start + 1`` to ``end``, by partition.

    Offsets name the batches to read. Of the first and the last batch, only rows with indices in range belong to the window.

    Raises
    ------
    MissingRowsError
        The references do not hold all of these rows.
    """
    found: dict[int, Range] = {}
    rows = 0
    for r in references:
        before, after = max(start - r.row, 0), max(r.row + r.count - end, 0)
        count = r.count - before - after
        if count <= 0:
            continue
        rows += count
        first = r.first_index + before
        open_range = found.get(r.partition) or Range(partition=r.partition, first_offset=r.offset, first_index=first)
        found[r.partition] = replace(open_range, end_offset=r.offset + 1, end_index=first + count)
    if rows != end - start:
        raise MissingRowsError(f"rows {start + 1} to {end}: expected {end - start} rows with known places, given {rows}")
    return tuple(found[partition] for partition in sorted(found))
