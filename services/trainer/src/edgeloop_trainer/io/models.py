"""Models in memory, loaded from their chunks."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeAlias

import numpy as np
from edgeloop_contracts import Challenger, ModelFile, ModelVersion, topics
from edgeloop_datasets import Reader, model_file
from edgeloop_mixture.runtime import open_session

from edgeloop_trainer.core.dataset import Floats

KEPT = 16
Model: TypeAlias = ModelVersion | Challenger


class Models:
    """Answers of models; the most recent models stay loaded.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sessions: OrderedDict[str, Any] = OrderedDict()

    def add(self, digest: str, onnx: bytes) -> None:
        """Load a model from its file."""
        self._sessions[digest] = open_session(onnx)
        while len(self._sessions) > KEPT:
            self._sessions.popitem(last=False)

    def answers(self, model: Model, features: Floats) -> list[str]:
        """Class or number that a model answers for each row; empty text if it takes rows of another width.

        Raises
        ------
        ModelGoneError
            Its file cannot be read.
        """
        session, classes = self._session(model.file), model.classes
        if session.get_inputs()[0].shape[1] != features.shape[1]:
            return [""] * len(features)
        (found,) = session.run(["label" if classes else "prediction"], {"input": features})
        values = np.asarray(found)
        return [classes[label] for label in values] if classes else [str(value) for value in values]

    def width(self, model: Model) -> int:
        """Number of features of a model.

        Raises
        ------
        ModelGoneError
            Its file cannot be read.
        """
        return int(self._session(model.file).get_inputs()[0].shape[1])

    def end(self, partition: int) -> int:
        """Offset of the next chunk."""
        return self._reader.end(topics.MODEL_CHUNKS, partition)

    def _session(self, file: ModelFile) -> Any:
        if file.digest not in self._sessions:
            self.add(file.digest, model_file(self._reader, topics.MODEL_CHUNKS, file))
        self._sessions.move_to_end(file.digest)
        return self._sessions[file.digest]
