"""Answers of version 1, which is never retrained: the baseline of a run."""

from __future__ import annotations

import hashlib

import numpy as np
from edgeloop_contracts import ModelChunk, ModelVersion, topics
from edgeloop_mixture.runtime import open_session
from edgeloop_streaming import Context
from numpy.typing import NDArray

from edgeloop_cli.errors import FailedError

BATCH = 2_000


def fetch(context: Context, version: ModelVersion) -> bytes:
    """The ONNX file of a version, from ``model.chunks``.

    Raises
    ------
    FailedError
        It is not there whole.
    """
    reader = context.reader()
    try:
        end = reader.end(topics.MODEL_CHUNKS, version.file.partition)
        found = reader.read(topics.MODEL_CHUNKS, version.file.partition, version.file.offset, end)
    finally:
        reader.close()
    chunks: dict[int, bytes] = {}
    for record in found:
        match record.event:
            case ModelChunk(digest=version.file.digest, index=index, data=data):
                chunks[index] = data
            case _:
                continue
    model = b"".join(chunks[index] for index in sorted(chunks))
    if hashlib.sha256(model).hexdigest() != version.file.digest:
        raise FailedError(f"version {version.version} is not whole in {topics.MODEL_CHUNKS.name}/{version.file.partition}")
    return model


def answers(model: bytes, classes: tuple[str, ...], features: NDArray[np.float32]) -> list[str]:
    """What the model answers to each row: a class, or, where it has none, a number."""
    session = open_session(model)
    found: list[str] = []
    for first in range(0, len(features), BATCH):
        (told,) = session.run(["label" if classes else "prediction"], {"input": features[first : first + BATCH]})
        found += [classes[int(each)] if classes else str(each) for each in np.asarray(told).ravel()]
    return found
