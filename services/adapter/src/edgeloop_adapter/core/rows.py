"""Labelled rows of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from edgeloop_contracts import ExampleBatch
from edgeloop_mixture.learner import Labelled

BACKLOG = 20_000
"""Labelled rows that a new mixture learns from at most, the newest ones."""


def labelled_rows(batch: ExampleBatch, here: slice) -> Iterator[Labelled]:
    """Some rows of a batch, in their order.

    Examples
    --------
    >>> batch = ExampleBatch(tenant="default", stream="", device_id="", features=np.arange(4, dtype="<f4").tobytes(), labels=("a", "b"), answers=("a", ""), model_versions=(1, 0))
    >>> [(row.features.tolist(), row.label, row.version, row.adapter) for row in labelled_rows(batch, slice(1, 2))]
    [([2.0, 3.0], 'b', 0, 0)]
    """
    features = np.frombuffer(batch.features, "<f4").reshape(len(batch.labels), -1)
    adapters = batch.adapters or (0,) * len(batch.labels)
    columns = zip(features[here], batch.labels[here], batch.answers[here], batch.model_versions[here], adapters[here], strict=True)
    for row in columns:
        yield Labelled(*row)


def labelled(slices: Iterable[tuple[ExampleBatch, slice]]) -> list[Labelled]:
    """Rows of several batches, in their order."""
    return [row for batch, here in slices for row in labelled_rows(batch, here)]
