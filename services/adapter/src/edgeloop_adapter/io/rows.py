"""Labelled rows at the places that partials name."""

from __future__ import annotations

from edgeloop_contracts import LearnerState, topics
from edgeloop_contracts.row_references import Reference, mark_before, replayed
from edgeloop_datasets.ranges import Examples, Reader, partials
from edgeloop_mixture.learner import Labelled
from edgeloop_readers import RangeGoneError

from edgeloop_adapter.core.rows import labelled_rows

AHEAD = 64  # batches


class Rows:
    """Labelled rows of streams.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._examples = Examples(reader, topics.EXAMPLES, AHEAD)

    def of(self, reference: Reference) -> list[Labelled]:
        """The rows of a reference.

        Raises
        ------
        RangeGoneError
            They have been deleted.
        """
        return self._rows([reference])

    def between(self, partition: int, key: str, state: LearnerState, first: int, last: int) -> list[Labelled]:
        """Rows of a stream with numbers ``first`` to ``last``; only the newest of them where older ones have been deleted."""
        start = mark_before(state.marks, first)
        for mark in [mark for mark in state.marks if mark.row < last and (start is None or mark.row >= start.row)]:
            try:
                found = partials(
                    self._reader,
                    topics.DRIFT_PARTIALS,
                    partition,
                    key,
                    mark.offset,
                    1 + (mark.offset if state.last_offset is None else state.last_offset),
                )
                return self._rows(replayed(mark, found).between(first, last))
            except RangeGoneError:
                continue
        return []

    def _rows(self, references: list[Reference]) -> list[Labelled]:
        return [row for batch, here in self._examples.of(references) for row in labelled_rows(batch, here)]
