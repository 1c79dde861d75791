"""Fitted models that answer, and versions with their models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import ModelVersion
from edgeloop_mixture.runtime import open_session
from numpy.typing import NDArray


class Model:
    """A fitted model that answers; without classes, with numbers."""

    def __init__(self, onnx: bytes, classes: tuple[str, ...]) -> None:
        self.onnx = onnx
        self.classes = classes
        self._run = open_session(onnx).run

    def answers(self, features: NDArray[Any]) -> list[str]:
        """Class or number of each row."""
        (found,) = self._run(["label" if self.classes else "prediction"], {"input": features})
        return [self.classes[label] for label in found.tolist()] if self.classes else [str(value) for value in found]


@dataclass(slots=True)
class Version:
    """A version and its model."""

    event: ModelVersion
    model: Model
