"""Labelled rows by reference, in the pooled order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from edgeloop_contracts import DriftPartial, ExampleBatch, RowMark, StreamKey, Topic
from edgeloop_contracts.row_references import PooledRows, Reference, counts, mark_before, replayed
from edgeloop_readers.partition_reader import RangeGoneError

from edgeloop_datasets.reader import READ_S, Reader

CACHED_BATCHES = 1_000

Slice = tuple[ExampleBatch, slice]
"""A batch, and which of its rows."""


class LabelledRows:
    """Labelled rows of streams, read from the topics that hold them.

    Invariants: rows come in the order of their references; a row that has been deleted raises, and is never left out; the newest
    batches stay in memory.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    examples, partials
        Topics of the batches and of their order. The service names them, so that its inputs stand in one place.
    ahead
        Batches to read beyond those that are asked for, as far as there are any: for callers that ask batch by batch.
    """

    def __init__(self, reader: Reader, examples: Topic, partials: Topic, ahead: int = 0) -> None:
        self._reader = reader
        self._topic = examples
        self._partials = partials
        self._ahead = ahead
        self._batches: OrderedDict[tuple[int, int], ExampleBatch] = OrderedDict()

    def slices(self, references: Iterable[Reference]) -> list[Slice]:
        """Each reference's batch, and which of its rows.

        Raises
        ------
        RangeGoneError
            Some have been deleted.
        """
        references = list(references)
        self._load(references)
        found: list[Slice] = []
        for reference in references:
            batch = self._batches[reference.partition, reference.offset]
            first = reference.first_index - batch.first_index
            found.append((batch, slice(first, first + reference.count)))
        while len(self._batches) > CACHED_BATCHES:
            self._batches.popitem(last=False)
        return found

    def order(
        self, partition: int, key: str, marks: Sequence[RowMark], last_offset: int | None, first: int, last: int | None = None
    ) -> PooledRows:
        """The pooled order of a stream from its row number ``first`` on, or from a little before.

        Parameters
        ----------
        partition, key
            Of the stream's partials.
        marks, last_offset
            Of the state that counts the rows.
        last
            Row number up to which the order is needed; by default all of it.

        Raises
        ------
        RangeGoneError
            The row is older than the oldest mark of the pooled order, or partials have been deleted.
        """
        mark = mark_before(marks, first)
        if mark is None or last_offset is None:
            raise RangeGoneError(f"row {first} of {key} is older than the oldest mark of the pooled order")
        later = () if last is None else (one.offset for one in marks if one.row >= last)
        return self._order_from(partition, key, mark, next(iter(later), last_offset + 1))

    def newest(self, partition: int, key: str, marks: Sequence[RowMark], last_offset: int | None, first: int, last: int) -> list[Slice]:
        """Rows numbered ``first`` to ``last``, as far as they are kept; fewer, the newest, where older ones have been deleted."""
        start = mark_before(marks, first)
        for mark in [mark for mark in marks if mark.row < last and (start is None or mark.row >= start.row)]:
            try:
                order = self._order_from(partition, key, mark, (-1 if last_offset is None else last_offset) + 1)
                return self.slices(order.between(first, last))
            except RangeGoneError:
                continue
        return []

    def _order_from(self, partition: int, key: str, mark: RowMark, end: int) -> PooledRows:
        return replayed(mark, partials(self._reader, self._partials, partition, key, mark.offset, end))

    def _load(self, references: list[Reference]) -> None:
        """Read what is not in memory, in one go for each partition: references come in the order of their offsets there."""
        wanted: dict[int, set[int]] = {}
        for reference in references:
            if (reference.partition, reference.offset) not in self._batches:
                wanted.setdefault(reference.partition, set()).add(reference.offset)
        for partition, needed in wanted.items():
            first, end = min(needed), max(needed) + 1
            if self._ahead:
                end = max(end, min(first + self._ahead, self._reader.end(self._topic, partition)))
            for record in self._reader.read(self._topic, partition, first, end, READ_S):
                if self._ahead or record.offset in needed:
                    self._batches[partition, record.offset] = record.event
                needed.discard(record.offset)
            if needed:
                raise RangeGoneError(f"{self._topic.name}/{partition}: offsets {sorted(needed)[:3]} cannot be read")


def partials(reader: Reader, topic: Topic, partition: int, key: str, first: int, end: int) -> list[DriftPartial]:
    """Partials of the labelled rows of one stream, ``tenant/stream``, in their order.

    Raises
    ------
    RangeGoneError
        They have been deleted.
    """
    records = reader.read(topic, partition, first, end, READ_S)
    return [r.event for r in records if StreamKey.of(r.event) == key and counts(r.event)]
