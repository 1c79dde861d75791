"""Models in onnxruntime."""

from __future__ import annotations

import numpy as np
from edgeloop_mixture.runtime import open_session
from edgeloop_signing.statements import VersionStatement
from numpy.typing import NDArray

from edgeloop_inference.core.answers import Answer, Columns
from edgeloop_inference.core.model_contract import INPUT, LABEL, PREDICTION, PROBABILITIES


class ServingModel:
    """A version that answers alone; safe to use from many threads.

    Parameters
    ----------
    statement
        Verified.
    model
        The ONNX file, of the statement's digest.
    """

    def __init__(self, statement: VersionStatement, model: bytes) -> None:
        self.statement = statement
        self.stream = statement.stream
        self.version = statement.version
        self.digest = statement.digest
        self.features = statement.features
        self.classes = statement.classes
        self.columns = Columns.of(self.classes)
        self.adapter = 0
        self._run = open_session(model, quiet=True).run

    def answer(self, rows: NDArray[np.float32]) -> Answer:
        """Class and probabilities, or the number, of each row of a float32 [n, F] array."""
        if not self.classes:
            (numbers,) = self._run([PREDICTION], {INPUT: rows})
            return Answer(tuple([str(number) for number in numbers]), numbers)
        labels, probabilities = self._run([LABEL, PROBABILITIES], {INPUT: rows})
        classes = self.classes
        return Answer(tuple([classes[i] for i in labels.tolist()]), probabilities)
