"""Fetches a model's chunks."""

from __future__ import annotations

from typing import Any

from edgeloop_contracts import ModelChunk, ModelFile, topics
from edgeloop_kafka import Received
from edgeloop_readers import RangeGoneError

from edgeloop_inference.core.version_admission import Reason, RefusalError
from edgeloop_inference.io.kafka_clients import Reader
from edgeloop_inference.io.partial_downloads import Part, Partials

PATIENCE_S = 60.0  # without any record; a whole file may take hours


def fetch(reader: Reader, file: ModelFile, partials: Partials) -> bytes:
    """Read a model's file from its first chunk, or from the point where an earlier attempt ended.

    Chunks of other models and transaction markers may lie in between. So reading continues beyond the expected end, at most to the end of
    the partition. Each chunk is kept at once.

    Raises
    ------
    RefusalError
        ``MISSING``: chunks are absent or deleted. ``DIGEST``: there are more bytes than the file has.
    TimeoutError
        No record arrived for a minute. The next attempt continues here.
    """
    found = partials.begin(file.digest, file.size)
    if sum(len(part.data) for part in found.values()) > file.size:
        partials.drop(file.digest)
        found.clear()
    begun = bool(found) or file.digest in partials.read_to
    while True:
        _read(reader, file, partials, found)
        if len(found) == file.chunks:
            return b"".join(found[index].data for index in range(file.chunks))
        if not begun:
            place = f"{topics.MODEL_CHUNKS.name}/{file.partition}/{file.offset}"
            raise RefusalError(Reason.MISSING, f"{len(found)} of {file.chunks} chunks found from {place} on")
        # Kept parts may be of another topic, or of chunks that were sent again since.
        begun = False
        partials.drop(file.digest)
        found.clear()


def _read(reader: Reader, file: ModelFile, partials: Partials, found: dict[int, Part]) -> None:
    """Read from the last known chunk towards the end of the partition, until all chunks are there."""

    def keep(received: Received[Any]) -> None:
        chunk = received.event
        partials.read_to[file.digest] = received.offset + 1
        if not isinstance(chunk, ModelChunk) or chunk.digest != file.digest or not 0 <= chunk.index < file.chunks:
            return
        part = Part(received.offset, chunk.data)
        others = sum(len(known.data) for index, known in found.items() if index != chunk.index)
        if others + len(part.data) > file.size:
            partials.drop(file.digest)
            raise RefusalError(Reason.DIGEST, f"expected {file.size} bytes in {file.chunks} chunks, given more")
        found[chunk.index] = part
        partials.put(file.digest, chunk.index, part)

    topic, partition = topics.MODEL_CHUNKS, file.partition
    first = max(_behind(found, file.offset), partials.read_to.get(file.digest, 0))
    last = reader.end(topic, partition)
    while len(found) < file.chunks and first < last:
        end = min(first + file.chunks - len(found), last)
        try:
            reader.each(topic, partition, first, end, keep, PATIENCE_S)
        except RangeGoneError as error:
            partials.drop(file.digest)
            raise RefusalError(Reason.MISSING, f"the chunks are gone: {error}") from error
        first = end


def _behind(found: dict[int, Part], first: int) -> int:
    """Offset after the chunks that are there without a gap."""
    index = 0
    while index in found:
        first = max(first, found[index].offset + 1)
        index += 1
    return first
