"""Pairs of observation and label, as batches in the order of completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgeloop_contracts import Cause, ExampleBatch

from edgeloop_labels.core.pending_batch import Pending

MAX_ROWS = 1000
MAX_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Pair:
    """A row with its label.

    Attributes
    ----------
    pending, row
        The batch and the row's place in it.
    label
        Label of the row.
    cause
        The record that completed the pair.
    corrects
        True if the row had another label before.
    """

    pending: Pending
    row: int
    label: str
    cause: Cause
    corrects: bool

    @property
    def seq(self) -> int:
        """Sequence number of the row."""
        return self.pending.batch.first_seq + self.row


def grouped(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Runs of neighbouring pairs that fit into one batch: same device and epoch, same width, bounded size."""
    run: list[Pair] = []
    size = 0
    for pair in pairs:
        own = _bytes(pair)
        if run and (_kind(run[0]) != _kind(pair) or len(run) == MAX_ROWS or size + own > MAX_BYTES):
            yield run
            run, size = [], 0
        run.append(pair)
        size += own
    if run:
        yield run


def example_batch(run: list[Pair], first_index: int) -> ExampleBatch:
    """The batch of a run from :func:`grouped`, whose first example has ``first_index``."""
    rows = [(pair.pending.batch, pair.row) for pair in run]
    return ExampleBatch.from_rows(rows, first_index=first_index, labels=tuple(pair.label for pair in run), corrects=run[0].corrects)


def _kind(pair: Pair) -> tuple[object, ...]:
    batch = pair.pending.batch
    return ExampleBatch.shared_of(batch), len(batch.features) // batch.count, pair.corrects


def _bytes(pair: Pair) -> int:
    """Upper bound of the bytes of an example in Avro."""
    batch, row = pair.pending.batch, pair.row
    texts = len(pair.label) + sum(len(values[row]) for values in (batch.answers, batch.answers_alone) if values)
    return len(batch.features) // batch.count + 4 * texts + 23
