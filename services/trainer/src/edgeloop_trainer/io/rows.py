"""Labelled rows as data sets of fits and as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from edgeloop_contracts import ExampleBatch, Manifest, Range, StreamDefinition, StreamTask, topics
from edgeloop_contracts.row_references import Reference
from edgeloop_datasets.labelled_rows import LabelledRows
from edgeloop_datasets.reader import READ_S
from edgeloop_datasets.reader import Reader as RangeReader
from edgeloop_readers import RangeGoneError

from edgeloop_trainer.core.dataset import Dataset, DatasetError, Floats, assemble, matrix


class Reader(RangeReader, Protocol):
    """The part of :class:`edgeloop_readers.RangeReader` that is used here."""

    def cluster_id(self) -> str:
        """Id of the cluster."""
        ...


class Rows(LabelledRows):
    """Labelled rows of streams, as data sets and as arrays.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader, topics.EXAMPLES, topics.DRIFT_PARTIALS)
        self._cluster = reader

    def dataset(self, manifest: Manifest, definition: StreamDefinition) -> Dataset:
        """The rows of a stream that a manifest names.

        Raises
        ------
        DatasetError
            They are in another cluster or topic, have been deleted, or differ from the manifest or the definition.
        """
        if manifest.topic not in ("", topics.EXAMPLES.name):
            raise DatasetError(f"topic of the rows: expected {topics.EXAMPLES.name}, given {manifest.topic}")
        if manifest.cluster_id and manifest.cluster_id != (here := self._cluster.cluster_id()):
            raise DatasetError(f"cluster of the rows: expected {here}, given {manifest.cluster_id}")
        try:
            batches = self._batches_of(definition.tenant, definition.stream, manifest.ranges)
            return assemble(manifest, batches, len(definition.features), numbers=definition.task is StreamTask.REGRESSION)
        except RangeGoneError as error:
            raise DatasetError(f"rows have been deleted: {error}") from error

    def at(self, references: Iterable[Reference], width: int) -> tuple[Floats, list[str]]:
        """Features, float32 [N, width], and labels of referenced rows, in their order.

        A row of another width becomes NaN.

        Raises
        ------
        RangeGoneError
            Some have been deleted.
        """
        parts: list[Floats] = []
        labels: list[str] = []
        for batch, here in self.slices(references):
            rows = matrix(batch)[here]
            parts.append(rows if rows.shape[1] == width else np.full((len(rows), width), np.nan, np.float32))
            labels += batch.labels[here]
        return (np.concatenate(parts) if parts else np.empty((0, width), np.float32)), labels

    def _batches_of(self, tenant: str, stream: str, ranges: Iterable[Range]) -> Iterator[tuple[Range, ExampleBatch]]:
        for part in ranges:
            for record in self._reader.read(topics.EXAMPLES, part.partition, part.first_offset, part.end_offset, READ_S):
                if (record.event.tenant, record.event.stream) == (tenant, stream):
                    yield part, record.event
