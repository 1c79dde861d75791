"""Pairs of observation and label, put together as batches in the order in which they became complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgeloop_contracts import Cause, ExampleBatch

from edgeloop_labels.core.pending_batch import Pending

MAX_ROWS = 1000
MAX_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Pair:
    """A row that has its label.

    Attributes
    ----------
    pending, row
        The batch and the row's place in it.
    label
        The true class.
    cause
        The record that completed the pair.
    corrects
        Whether the row had another label before.
    """

    pending: Pending
    row: int
    label: str
    cause: Cause
    corrects: bool

    @property
    def answer(self) -> str:
        """What the device answered; empty where no model did."""
        answers = self.pending.batch.answers
        return answers[self.row] if answers else ""

    @property
    def alone(self) -> str:
        """What the version alone would have answered; empty where the same."""
        alone = self.pending.batch.answers_alone
        return alone[self.row] if alone else ""

    @property
    def seq(self) -> int:
        """Sequence number of the row."""
        return self.pending.batch.first_seq + self.row


def grouped(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Runs of neighbouring pairs that fit into one batch: of one device and epoch, one width, and bounded size."""
    run: list[Pair] = []
    size = 0
    for pair in pairs:
        own = len(pair.pending.features_of(pair.row)) + 4 * (len(pair.label) + len(pair.answer) + len(pair.alone)) + 23
        if run and (_kind(run[0]) != _kind(pair) or len(run) == MAX_ROWS or size + own > MAX_BYTES):
            yield run
            run, size = [], 0
        run.append(pair)
        size += own
    if run:
        yield run


def example_batch(run: list[Pair], first_index: int) -> ExampleBatch:
    """The batch of a run from :func:`grouped`, whose first example has ``first_index``."""
    batch = run[0].pending.batch
    adapters = tuple(pair.pending.batch.adapter for pair in run)
    alone = tuple(pair.alone for pair in run)
    return ExampleBatch(
        tenant=batch.tenant,
        stream=batch.stream,
        device_id=batch.device_id,
        boot_epoch=batch.boot_epoch,
        first_index=first_index,
        seqs=tuple(pair.seq for pair in run),
        features=b"".join(pair.pending.features_of(pair.row) for pair in run),
        labels=tuple(pair.label for pair in run),
        answers=tuple(pair.answer for pair in run),
        model_versions=tuple(pair.pending.batch.model_version for pair in run),
        corrects=run[0].corrects,
        adapters=adapters if any(adapters) else (),
        answers_alone=alone if any(alone) else (),
    )


def _kind(pair: Pair) -> tuple[str, int, int, bool]:
    batch = pair.pending.batch
    return pair.pending.key, batch.boot_epoch, len(batch.features) // batch.count, pair.corrects
