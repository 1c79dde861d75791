"""References to labelled rows of a stream in the pooled order, and a way to read the order again.

A service stores counts and marks of the order instead of rows (see :func:`folded`), and references to the newest rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from edgeloop_contracts.events import DriftPartial, GateState, LearnerState, PartialKind, RowMark
from edgeloop_contracts.plausibility import impossible_partial

MARK_EVERY = 1000
MARKS = 100

# States with ``rows``, ``last_offset`` and ``marks``.
OrderState = TypeVar("OrderState", GateState, LearnerState)


@dataclass(frozen=True, slots=True)
class Reference:
    """Place of consecutive rows of the pooled order.

    Attributes
    ----------
    partition, offset
        Place of their batch in ``examples``.
    first_index
        Index of the first row, as in the batch.
    count
        Number of rows.
    row
        Labelled rows of the stream before these; the first row has number ``row + 1``.
    """

    partition: int
    offset: int
    first_index: int
    count: int
    row: int

    def part(self, first: int, last: int) -> Reference | None:
        """Part of the reference within the row numbers ``first`` to ``last``."""
        begin, end = max(first - 1, self.row), min(last, self.row + self.count)
        if begin >= end:
            return None
        return replace(self, first_index=self.first_index + begin - self.row, count=end - begin, row=begin)


class PooledRows:
    """References of the newest rows, in order, without gaps.

    Examples
    --------
    >>> rows = PooledRows(keep=2)
    >>> rows.append(Reference(0, 10, 0, 3, 0))
    >>> rows.append(Reference(1, 7, 0, 2, 3))
    >>> rows.covers(1), rows.covers(4)
    (True, True)
    >>> [(r.offset, r.first_index, r.count) for r in rows.between(3, 4)]
    [(10, 2, 1), (7, 0, 1)]
    >>> rows.trim(); rows.covers(3)
    False
    """

    def __init__(self, keep: int = 2_000) -> None:
        self._keep = keep
        self._references: deque[Reference] = deque()

    def append(self, reference: Reference) -> None:
        """Append the next reference."""
        self._references.append(reference)

    def covers(self, row: int) -> bool:
        """Whether the row number ``row`` is known or in the future."""
        return bool(self._references) and self._references[0].row < row

    def between(self, first: int, last: int) -> list[Reference]:
        """References of the row numbers ``first`` to ``last``, as far as they are known."""
        return [part for reference in self._references if (part := reference.part(first, last))]

    def trim(self) -> None:
        """Drop the oldest references, but keep the newest ``keep`` rows."""
        while self._references:
            newest = self._references[-1].row + self._references[-1].count
            if newest - (self._references[0].row + self._references[0].count) < self._keep:
                return
            self._references.popleft()


def counts(partial: DriftPartial) -> bool:
    """Whether a partial counts labelled rows. An impossible partial counts none for any reader."""
    return partial.kind is PartialKind.ERRORS and not impossible_partial(partial)


def reference(partial: DriftPartial, row: int) -> Reference:
    """Reference of a partial's rows, with ``row`` rows before them."""
    return Reference(partial.partition, partial.offset, partial.first_index, partial.count, row)


def folded(state: OrderState, partial: DriftPartial, offset: int) -> OrderState:
    """The state after one more partial at ``offset``."""
    marks = state.marks
    if not marks or state.rows - marks[-1].row >= MARK_EVERY:
        marks = (*marks, RowMark(row=state.rows, offset=offset))[-MARKS:]
    return replace(state, rows=state.rows + partial.count, last_offset=offset, marks=marks)


def mark_before(marks: Sequence[RowMark], row: int) -> RowMark | None:
    """Newest mark at or before the row number ``row``; ``None`` if the row is too old."""
    return next((mark for mark in reversed(marks) if mark.row < row), None)


def replayed(mark: RowMark, partials: Iterable[DriftPartial]) -> PooledRows:
    """The order from a mark's partial on, restored from the partials."""
    rows, row = PooledRows(), mark.row
    for partial in partials:
        rows.append(reference(partial, row))
        row += partial.count
    return rows
