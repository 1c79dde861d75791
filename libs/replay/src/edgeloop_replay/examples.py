"""Labelled rows of a replay in the pooled order, as one partition of ``examples``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from edgeloop_contracts import ExampleBatch, Manifest, Range
from edgeloop_trainer.core.dataset import Dataset, assemble
from numpy.typing import NDArray

STREAM = "backtest"


class Examples:
    """Rows that ``labels`` would have joined so far.

    Parameters
    ----------
    width
        Features of a row.
    most
        Rows that will come at most.
    numbers
        Whether labels are numbers.
    """

    def __init__(self, width: int, most: int, *, numbers: bool = False) -> None:
        self.numbers = numbers
        self._features = np.empty((most, width), np.float32)
        self._batches: list[ExampleBatch] = []
        self._firsts: list[int] = []
        self.labels: list[str] = []

    @property
    def width(self) -> int:
        """Features of a row."""
        return self._features.shape[1]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def add(
        self,
        device: str,
        seqs: tuple[int, ...],
        features: NDArray[np.float32],
        labels: tuple[str, ...],
        answers: tuple[str, ...],
        versions: tuple[int, ...],
        adapters: tuple[int, ...],
        alone: tuple[str, ...] = (),
    ) -> ExampleBatch:
        """Take the next rows of one device; give back their batch."""
        first = self.rows
        batch = ExampleBatch(
            tenant="default",
            stream=STREAM,
            device_id=device,
            boot_epoch=1,
            first_index=first,
            seqs=seqs,
            features=features.astype("<f4").tobytes(),
            labels=labels,
            answers=answers,
            model_versions=versions,
            adapters=adapters,
            answers_alone=alone,
        )
        self._features[first : first + len(labels)] = features
        self.labels += labels
        self._batches.append(batch)
        self._firsts.append(first)
        return batch

    @property
    def newest(self) -> int:
        """Offset of the newest batch."""
        return len(self._batches) - 1

    def features(self, first: int, end: int) -> NDArray[np.float32]:
        """float32 [end - first, F] of rows counted from 0."""
        return self._features[first:end]

    def manifest(self, start: int, end: int) -> Manifest:
        """Manifest of the rows ``start`` to ``end``, as retraining would write it."""
        return Manifest(ranges=(Range(partition=0, first_index=start, end_index=end),), rows=end - start)

    def dataset(self, manifest: Manifest) -> Dataset:
        """The rows of a manifest as the trainer assembles them."""
        (part,) = manifest.ranges
        batches = ((part, batch) for batch in self._between(part.first_index, part.end_index))
        return assemble(manifest, batches, self._features.shape[1], numbers=self.numbers)

    def _between(self, start: int, end: int) -> Iterator[ExampleBatch]:
        at = max(bisect_right(self._firsts, start) - 1, 0)
        while at < len(self._batches) and self._firsts[at] < end:
            yield self._batches[at]
            at += 1
