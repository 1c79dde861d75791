"""Answers of version 1, which is never retrained: the baseline of a run."""

from __future__ import annotations

import numpy as np
from edgeloop_contracts import ModelVersion, topics
from edgeloop_datasets import ModelGoneError, model_file
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
        return model_file(reader, topics.MODEL_CHUNKS, version.file)
    except ModelGoneError as error:
        raise FailedError(f"version {version.version} is not whole: {error}") from None
    finally:
        reader.close()


def answers(model: bytes, classes: tuple[str, ...], features: NDArray[np.float32]) -> list[str]:
    """The model's answer to each row: a class, or a number if it has no classes."""
    session = open_session(model)
    found: list[str] = []
    for first in range(0, len(features), BATCH):
        (told,) = session.run(["label" if classes else "prediction"], {"input": features[first : first + BATCH]})
        found += [classes[int(each)] if classes else str(each) for each in np.asarray(told).ravel()]
    return found
