"""Interface of the mirror to MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from edgeloop_errors import InvalidError, RetryableError

from edgeloop_mirror.core.notes import DatasetNote, Note
from edgeloop_mirror.core.versions import VersionNote


class TrackingUnavailableError(RetryableError):
    """MLflow did not answer, or could not carry out a request now; it is tried again later."""


class TrackingRefusedError(InvalidError):
    """MLflow refused the content of a request; another attempt is useless."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run in MLflow."""

    run_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ModelNote:
    """A model as an ONNX file.

    Attributes
    ----------
    onnx
        Content of the file.
    name
        Name for people.
    tags, parameters
        Those of the model.
    """

    onnx: bytes
    name: str
    tags: dict[str, str]
    parameters: dict[str, str]


class Tracking(Protocol):
    """MLflow's tracking server.

    Every method may raise :class:`TrackingUnavailableError` or :class:`TrackingRefusedError`. A repeated call changes nothing, except
    for :meth:`create`.
    """

    def find(self, experiment: str, key: str) -> list[Found]:
        """Runs with this key, oldest first."""
        ...

    def create(self, experiment: str, name: str, tags: Mapping[str, str], began_ms: int, parent: str) -> str:
        """Create a run, below ``parent`` if that is not empty; returns its id."""
        ...

    def write(self, run_id: str, note: Note, at_ms: int) -> None:
        """Write parameters, metrics and tags, in this order."""
        ...

    def dataset(self, run_id: str, note: DatasetNote) -> None:
        """Add the dataset of the run's fit."""
        ...

    def model(self, run_id: str, note: ModelNote, step: int) -> None:
        """Store the run's model."""
        ...

    def register(self, run_id: str, note: VersionNote) -> None:
        """Register the run's model, or its absence, as a version of a registered model; the newest one is its champion."""
        ...

    def end(self, run_id: str, status: str, at_ms: int) -> None:
        """End the run."""
        ...
