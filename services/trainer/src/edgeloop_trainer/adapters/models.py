"""Models in memory, read from their chunks."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnxruntime
from edgeloop_contracts import ModelChunk, topics
from edgeloop_streaming import RangeGoneError

from edgeloop_trainer.adapters.rows import Reader
from edgeloop_trainer.core.dataset import Floats

CHUNK_BYTES = 512 << 10
KEPT = 8
STEP = 8


class ModelGoneError(Exception):
    """A model's file cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """Where a model's file lies, as candidates and versions name it.

    Attributes
    ----------
    digest
        SHA-256 of the file, hex.
    partition, offset
        Where in ``model.chunks`` its chunks begin, or before.
    chunks
        How many.
    classes
        Names in the order of the probabilities.
    """

    digest: str
    partition: int
    offset: int
    chunks: int
    classes: tuple[str, ...]


def chunked(onnx: bytes, digest: str) -> list[ModelChunk]:
    """A file in chunks of at most 512 KiB."""
    parts = [onnx[at : at + CHUNK_BYTES] for at in range(0, len(onnx), CHUNK_BYTES)]
    return [ModelChunk(digest=digest, index=i, total=len(parts), size=len(onnx), data=part) for i, part in enumerate(parts)]


class Models:
    """Answers of models, by digest; the last few stay loaded.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sessions: OrderedDict[str, onnxruntime.InferenceSession] = OrderedDict()

    def add(self, digest: str, onnx: bytes) -> None:
        """Keep a model whose file is at hand."""
        onnxruntime.disable_telemetry_events()  # nothing of a fleet's business leaves it
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._sessions[digest] = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        while len(self._sessions) > KEPT:
            self._sessions.popitem(last=False)

    def answers(self, artifact: Artifact, features: Floats) -> list[str]:
        """Class that a model gives each row; empty text where it takes rows of another width.

        Raises
        ------
        ModelGoneError
            Its file cannot be read.
        """
        session = self._session(artifact)
        if session.get_inputs()[0].shape[1] != features.shape[1]:
            return [""] * len(features)
        (labels,) = session.run(["label"], {"input": features})
        return [artifact.classes[label] for label in np.asarray(labels)]

    def width(self, artifact: Artifact) -> int:
        """Features of a row that a model takes.

        Raises
        ------
        ModelGoneError
            Its file cannot be read.
        """
        return int(self._session(artifact).get_inputs()[0].shape[1])

    def end(self, partition: int) -> int:
        """Offset from which chunks that are sent now can be read."""
        return self._reader.end(topics.MODEL_CHUNKS, partition)

    def _session(self, artifact: Artifact) -> onnxruntime.InferenceSession:
        if artifact.digest not in self._sessions:
            self.add(artifact.digest, self._read(artifact))
        self._sessions.move_to_end(artifact.digest)
        return self._sessions[artifact.digest]

    def _read(self, artifact: Artifact) -> bytes:
        parts: dict[int, bytes] = {}
        try:
            for chunk in self._chunks(artifact):
                if chunk.digest == artifact.digest:
                    parts[chunk.index] = chunk.data
                if len(parts) >= artifact.chunks:
                    break
        except RangeGoneError as error:
            raise ModelGoneError(str(error)) from error
        onnx = b"".join(parts[index] for index in sorted(parts))
        if hashlib.sha256(onnx).hexdigest() != artifact.digest:
            place = f"{topics.MODEL_CHUNKS.name}/{artifact.partition}/{artifact.offset}"
            raise ModelGoneError(f"{len(parts)} of {artifact.chunks} chunks of {artifact.digest[:12]} found from {place} on")
        return onnx

    def _chunks(self, artifact: Artifact) -> Iterator[ModelChunk]:
        """Everything from the artifact's first chunk on; usually all its chunks lie side by side there."""
        end = self._reader.end(topics.MODEL_CHUNKS, artifact.partition)
        for first in range(artifact.offset, end, artifact.chunks + STEP):
            last = min(first + artifact.chunks + STEP, end)
            for record in self._reader.read(topics.MODEL_CHUNKS, artifact.partition, first, last):
                yield record.event
