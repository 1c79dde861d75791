"""Model files, cut into chunks and put together again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from edgeloop_contracts import ModelChunk, ModelFile, Topic
from edgeloop_errors import InvalidError
from edgeloop_readers.partition_reader import RangeGoneError

from edgeloop_datasets.reader import READ_S, Reader

CHUNK_BYTES = 512 << 10
STRIDE, MOST_STRIDE = 8, 512
KEPT_FILES = 16


class ModelGoneError(InvalidError):
    """A model file cannot be read any more."""


@dataclass(slots=True)
class Chunks:
    """Chunks of one file that were found.

    Attributes
    ----------
    found
        By index.
    position
        Offset up to which the partition was read.
    ended
        Whether the partition ends there.
    """

    found: dict[int, ModelChunk] = field(default_factory=dict[int, ModelChunk])
    position: int = 0
    ended: bool = False


def chunked(onnx: bytes, digest: str) -> list[ModelChunk]:
    """A file in chunks of at most 512 KiB."""
    parts = [onnx[at : at + CHUNK_BYTES] for at in range(0, len(onnx), CHUNK_BYTES)]
    return [ModelChunk(digest=digest, index=i, total=len(parts), size=len(onnx), data=part) for i, part in enumerate(parts)]


def find_chunks(reader: Reader, topic: Topic, file: ModelFile, *, within: int | None = None, timeout: float = READ_S) -> Chunks:
    """Chunks of a file, until all are found or the partition ends. Other files and markers of transactions may lie between them.

    Parameters
    ----------
    within
        Offsets beyond the file's own to look at; by default all.
    timeout
        Seconds without a record.

    Raises
    ------
    RangeGoneError
        The first offset has been deleted.
    TimeoutError
        Nothing came for ``timeout`` seconds.
    """
    chunks = Chunks(position=file.offset)
    end = reader.end(topic, file.partition)
    limit = end if within is None else min(end, file.offset + file.chunks + within)
    stride = STRIDE  # the chunks usually lie side by side; the further they are apart, the more is read at once
    while len(chunks.found) < file.chunks and chunks.position < limit:
        stop = min(limit, chunks.position + file.chunks - len(chunks.found) + stride)
        stride = min(2 * stride, MOST_STRIDE)
        for record in reader.read(topic, file.partition, chunks.position, stop, timeout):
            chunk: ModelChunk = record.event
            if chunk.digest == file.digest and 0 <= chunk.index < file.chunks:
                chunks.found[chunk.index] = chunk
        chunks.position = stop
    chunks.ended = chunks.position >= end
    return chunks


def model_file(reader: Reader, topic: Topic, file: ModelFile) -> bytes:
    """A model file, whole: its SHA-256 is the one that ``file`` names.

    Raises
    ------
    ModelGoneError
        It cannot be read.
    """
    try:
        found = find_chunks(reader, topic, file).found
    except RangeGoneError as error:
        raise ModelGoneError(str(error)) from error
    onnx = b"".join(found[index].data for index in sorted(found))
    if hashlib.sha256(onnx).hexdigest() != file.digest:
        place = f"{topic.name}/{file.partition}/{file.offset}"
        raise ModelGoneError(f"{len(found)} of {file.chunks} chunks of {file.digest[:12]} found from {place} on")
    return onnx


class ModelFiles:
    """Model files by digest; the last few stay in memory.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    topic
        Of the chunks.
    """

    def __init__(self, reader: Reader, topic: Topic) -> None:
        self._reader = reader
        self._topic = topic
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def read(self, file: ModelFile) -> bytes:
        """A file.

        Raises
        ------
        ModelGoneError
            It cannot be read any more.
        """
        if file.digest not in self._files:
            self._files[file.digest] = model_file(self._reader, self._topic, file)
        self._files.move_to_end(file.digest)
        while len(self._files) > KEPT_FILES:
            self._files.popitem(last=False)
        return self._files[file.digest]
