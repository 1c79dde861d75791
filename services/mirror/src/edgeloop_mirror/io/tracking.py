"""What the mirror needs of MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from edgeloop_errors import InvalidError, RetryableError

from edgeloop_mirror.core.notes import DatasetNote, Note
from edgeloop_mirror.core.versions import VersionNote


class TrackingUnavailableError(RetryableError):
    """MLflow did not answer, or could not do it now: the same is tried again later."""


class TrackingRefusedError(InvalidError):
    """MLflow refused what it was given; asking again will not help."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run in MLflow."""

    run_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ModelNote:
    """A model in its ONNX file.

    Attributes
    ----------
    onnx
        The file.
    name
        For people.
    tags, parameters
        Of the model.
    """

    onnx: bytes
    name: str
    tags: dict[str, str]
    parameters: dict[str, str]


class Tracking(Protocol):
    """MLflow's tracking server. Everything raises :class:`TrackingUnavailableError` or :class:`TrackingRefusedError`; everything may be repeated and changes nothing then."""

    def find(self, experiment: str, key: str) -> list[Found]:
        """Runs with this key, oldest first."""
        ...

    def create(self, experiment: str, name: str, tags: Mapping[str, str], began_ms: int, parent: str) -> str:
        """A new run, below ``parent`` if that is not empty; gives back its id. The one call that is no harmless repeat."""
        ...

    def write(self, run_id: str, note: Note, at_ms: int) -> None:
        """Parameters, metrics and tags, which become visible in this order."""
        ...

    def dataset(self, run_id: str, note: DatasetNote) -> None:
        """The dataset that the run was fitted on."""
        ...

    def model(self, run_id: str, note: ModelNote, step: int) -> None:
        """The run's model."""
        ...

    def register(self, run_id: str, note: VersionNote) -> None:
        """The run's model, or that it has none any more, as a version of a registered model; the newest one is its champion."""
        ...

    def end(self, run_id: str, status: str, at_ms: int) -> None:
        """The run has ended."""
        ...
