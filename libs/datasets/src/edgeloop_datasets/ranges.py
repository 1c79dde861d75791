"""Reads by offset: labelled rows by reference, and models by their chunks.

Which topics a service reads stands in the service, so they are handed over.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from edgeloop_contracts import DriftPartial, ExampleBatch, ModelChunk, ModelFile, StreamKey, Topic
from edgeloop_contracts.row_references import Reference, counts
from edgeloop_errors import InvalidError
from edgeloop_kafka.received_record import Received
from edgeloop_readers.partition_reader import RangeGoneError

CACHED_BATCHES = 1_000
READ_S = 30.0
STEP = 8


class ModelGoneError(InvalidError):
    """A model's file cannot be read any more."""


class Reader(Protocol):
    """What is needed of :class:`edgeloop_readers.RangeReader`."""

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = ...) -> list[Received[Any]]:
        """Committed records with ``first <= offset < end``."""
        ...

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record."""
        ...


class Examples:
    """Batches of labelled rows; the newest stay in memory.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    topic
        Of the batches.
    ahead
        Records to read beyond those that are asked for, as far as there are any: for who asks batch by batch.
    """

    def __init__(self, reader: Reader, topic: Topic, ahead: int = 0) -> None:
        self._reader = reader
        self._topic = topic
        self._ahead = ahead
        self._batches: OrderedDict[tuple[int, int], ExampleBatch] = OrderedDict()

    def of(self, references: Iterable[Reference]) -> list[tuple[ExampleBatch, slice]]:
        """Each reference's batch, and which of its rows.

        Raises
        ------
        RangeGoneError
            Some have been deleted.
        """
        references = list(references)
        self._load(references)
        found: list[tuple[ExampleBatch, slice]] = []
        for reference in references:
            batch = self._batches[reference.partition, reference.offset]
            first = reference.first_index - batch.first_index
            found.append((batch, slice(first, first + reference.count)))
        while len(self._batches) > CACHED_BATCHES:
            self._batches.popitem(last=False)
        return found

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


def model_file(reader: Reader, topic: Topic, file: ModelFile) -> bytes:
    """A model's file, whole.

    Raises
    ------
    ModelGoneError
        It cannot be read.
    """
    parts: dict[int, bytes] = {}
    try:
        for chunk in _chunks(reader, topic, file):
            if chunk.digest == file.digest:
                parts[chunk.index] = chunk.data
            if len(parts) >= file.chunks:
                break
    except RangeGoneError as error:
        raise ModelGoneError(str(error)) from error
    onnx = b"".join(parts[index] for index in sorted(parts))
    if hashlib.sha256(onnx).hexdigest() != file.digest:
        place = f"{topic.name}/{file.partition}/{file.offset}"
        raise ModelGoneError(f"{len(parts)} of {file.chunks} chunks of {file.digest[:12]} found from {place} on")
    return onnx


def _chunks(reader: Reader, topic: Topic, file: ModelFile) -> Iterator[ModelChunk]:
    """Everything from the first chunk on; usually all its chunks lie side by side there."""
    end = reader.end(topic, file.partition)
    for first in range(file.offset, end, file.chunks + STEP):
        last = min(first + file.chunks + STEP, end)
        for record in reader.read(topic, file.partition, first, last):
            yield record.event
