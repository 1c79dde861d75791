"""Brings one assigned model from Kafka to serving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from edgeloop_contracts import Assignment
from edgeloop_contracts.rpc.model_graph import Model
from google.protobuf.message import DecodeError

from edgeloop_inference.adapters.chunks import fetch
from edgeloop_inference.adapters.kafka import Reader
from edgeloop_inference.adapters.model_store import BrokenFile, ModelStore, Package
from edgeloop_inference.adapters.models import Models
from edgeloop_inference.adapters.sessions import ServingModel
from edgeloop_inference.adapters.trust import Trust
from edgeloop_inference.core.admission import Action, Reason, Refusal, check_bytes, decide
from edgeloop_inference.core.graph import forbidden
from edgeloop_inference.core.statement import Statement


class Judge(Protocol):
    """Tries a model somewhere else."""

    def judge(self, model: bytes) -> None:
        """Raise ``Refusal`` if the model must not come into this process."""
        ...


StartTrial = Callable[[Statement], AbstractContextManager[Judge]]


class Installation:
    """Verifies, fetches, tries, keeps and installs models; the one that serves goes on until the new one is ready.

    Parameters
    ----------
    trust, store, models
        Of the device.
    start_trial
        Starts the trial of a model that is described by its statement and comes later.
    max_bytes
        Largest model that the device takes.
    """

    def __init__(self, trust: Trust, store: ModelStore, models: Models, start_trial: StartTrial, max_bytes: int) -> None:
        self._trust = trust
        self._store = store
        self._models = models
        self._start_trial = start_trial
        self._max_bytes = max_bytes

    def restore(self) -> list[str]:
        """Load what was installed last, without any network; give back what could not be loaded, and why."""
        problems: list[str] = []
        for stream in self._store.streams():
            if not self._models.concerns(stream):
                continue
            try:
                package = self._store.load(stream)
                statement = self._trust.verified(package.statement, package.signature)
                check_bytes(statement, package.model)
                if statement.stream != stream:
                    raise Refusal(Reason.DIGEST, f"the package is of {statement.stream!r}")
                self._models.install(_load(statement, package.model))
            except (BrokenFile, Refusal) as error:
                problems.append(f"{stream}: {error}")
        return problems

    def install(self, assignment: Assignment, features: Sequence[str] | None, reader: Callable[[], Reader]) -> Action:
        """Do what an assignment asks for.

        Parameters
        ----------
        features
            Names of the stream's features in order; ``None`` where it is not defined.
        reader
            Gives the reader of chunks; asked only when there is something to fetch.

        Raises
        ------
        Refusal
            The model is not taken, and the one that served before serves on.
        """
        statement = self._trust.verified(assignment.statement, assignment.signature)
        action = decide(self._models.installed(statement.stream), assignment, statement, features, self._max_bytes)
        if action is Action.KEEP:
            return action
        with self._start_trial(statement) as trial:
            data = fetch(reader(), assignment)
            check_bytes(statement, data)
            check_graph(data)
            trial.judge(data)
        model = _load(statement, data)
        self._store.save(statement.stream, Package(assignment.statement, assignment.signature, data))
        self._models.install(model)
        return action


def check_graph(data: bytes) -> None:
    """See that a file is a model that keeps to itself.

    Raises
    ------
    Refusal
        ``LOAD``.
    """
    try:
        why = forbidden(Model.FromString(data))
    except DecodeError as error:
        raise Refusal(Reason.LOAD, f"the file is no ONNX model: {error}") from error
    if why:
        raise Refusal(Reason.LOAD, why)


def _load(statement: Statement, data: bytes) -> ServingModel:
    try:
        return ServingModel(statement, data)
    except Exception as error:  # onnxruntime raises what it likes
        raise Refusal(Reason.LOAD, f"{type(error).__name__}: {error}") from error
