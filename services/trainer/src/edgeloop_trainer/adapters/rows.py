"""Rows and their order, read again from the topics."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from edgeloop_contracts import DriftPartial, ExampleBatch, Manifest, Range, Topic, topics
from edgeloop_streaming import RangeGoneError, Received

from edgeloop_trainer.core.dataset import Dataset, DatasetError, Floats, assemble, matrix
from edgeloop_trainer.core.pooled import Reference, counts

CACHED_BATCHES = 1_000
READ_S = 30.0


class Reader(Protocol):
    """What is needed of :class:`edgeloop_streaming.RangeReader`."""

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = ...) -> list[Received[Any]]:
        """Committed records with ``first <= offset < end``."""
        ...

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record."""
        ...

    def cluster_id(self) -> str:
        """Id of the cluster."""
        ...


class Rows:
    """Labelled rows of streams.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._batches: OrderedDict[tuple[int, int], ExampleBatch] = OrderedDict()

    def dataset(self, tenant: str, stream: str, manifest: Manifest, width: int) -> Dataset:
        """The rows that a manifest names.

        Raises
        ------
        DatasetError
            They are of another cluster or topic, have been deleted, or are not as many or as wide as they should be.
        """
        if manifest.topic not in ("", topics.EXAMPLES.name):
            raise DatasetError(f"the rows are in the topic {manifest.topic}; expected {topics.EXAMPLES.name}")
        if manifest.cluster_id and manifest.cluster_id != (here := self._reader.cluster_id()):
            raise DatasetError(f"the rows are in the cluster {manifest.cluster_id}; this is {here}")
        try:
            return assemble(manifest, self._batches_of(tenant, stream, manifest.ranges), width)
        except RangeGoneError as error:
            raise DatasetError(f"rows have been deleted: {error}") from error

    def at(self, references: Iterable[Reference], width: int) -> tuple[Floats, list[str]]:
        """Features, float32 [N, width], and labels of the rows that references name, in their order.

        A row of another width has no features: all of it is NaN.

        Raises
        ------
        RangeGoneError
            Some have been deleted.
        """
        references = list(references)
        self._load(references)
        parts: list[Floats] = []
        labels: list[str] = []
        for reference in references:
            batch = self._batches[reference.partition, reference.offset]
            first = reference.first_index - batch.first_index
            rows = matrix(batch)[first : first + reference.count]
            parts.append(rows if rows.shape[1] == width else np.full((len(rows), width), np.nan, np.float32))
            labels += batch.labels[first : first + reference.count]
        while len(self._batches) > CACHED_BATCHES:
            self._batches.popitem(last=False)
        return (np.concatenate(parts) if parts else np.empty((0, width), np.float32)), labels

    def partials(self, partition: int, key: str, first: int, end: int) -> list[DriftPartial]:
        """Partials of one stream's labelled rows, in their order.

        Raises
        ------
        RangeGoneError
            They have been deleted.
        """
        records = self._reader.read(topics.DRIFT_PARTIALS, partition, first, end, READ_S)
        return [r.event for r in records if f"{r.event.tenant}/{r.event.stream}" == key and counts(r.event)]

    def _batches_of(self, tenant: str, stream: str, ranges: Iterable[Range]) -> Iterator[tuple[Range, ExampleBatch]]:
        for part in ranges:
            for record in self._reader.read(topics.EXAMPLES, part.partition, part.first_offset, part.end_offset, READ_S):
                if (record.event.tenant, record.event.stream) == (tenant, stream):
                    yield part, record.event

    def _load(self, references: list[Reference]) -> None:
        """Read what is not in memory, in one go for each partition: references come in the order of their offsets there."""
        wanted: dict[int, list[int]] = {}
        for reference in references:
            if (reference.partition, reference.offset) not in self._batches:
                wanted.setdefault(reference.partition, []).append(reference.offset)
        for partition, offsets in wanted.items():
            needed = set(offsets)
            for record in self._reader.read(topics.EXAMPLES, partition, min(needed), max(needed) + 1, READ_S):
                if record.offset in needed:
                    self._batches[partition, record.offset] = record.event
                    needed.discard(record.offset)
            if needed:
                raise RangeGoneError(f"{topics.EXAMPLES.name}/{partition}: offsets {sorted(needed)[:3]} cannot be read")
