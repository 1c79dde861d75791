"""Installation of one assigned model, from Kafka to serving."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from edgeloop_contracts import Assignment, StreamDefinition
from edgeloop_signing.statements import VersionStatement

from edgeloop_inference.core.version_admission import Action, Reason, RefusalError, check_place, check_task, decide
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.kafka_clients import Reader
from edgeloop_inference.io.mixture_builder import MixtureBuilder
from edgeloop_inference.io.model_store import BrokenFileError, ModelStore, Package
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.sessions import ServingModel
from edgeloop_inference.io.verification import Verification


class Installation:
    """Verifies, fetches, load-checks, keeps and installs models; the serving model stays until the new one is ready.

    Parameters
    ----------
    verification, store, models, definitions
        Of the device.
    builder
        Builds a version's mixture; ``None`` where versions serve alone.
    """

    def __init__(
        self, verification: Verification, store: ModelStore, models: Models, definitions: Definitions, builder: MixtureBuilder | None
    ) -> None:
        self._verification = verification
        self._store = store
        self._models = models
        self._definitions = definitions
        self._builder = builder
        self._serials: dict[str, int] = {}

    def restore(self) -> list[str]:
        """Load the last installed models, without any network; give back the problems."""
        problems: list[str] = []
        for stream in self._store.names():
            if not self._models.concerns(stream):
                continue
            try:
                package = self._store.load(stream)
                statement = self._verification.stored(package)
                if statement.stream != stream:
                    raise RefusalError(Reason.DIGEST, f"the package is of {statement.stream!r}")
                self._serials[stream] = package.serial
                if self._definitions.get(stream) is None:
                    raise RefusalError(Reason.DEFINITION, "its definition is not on disk: it is installed again once the network has that")
                model = _load(statement, package)
            except (BrokenFileError, RefusalError) as error:
                problems.append(f"{stream}: {error}")
                continue
            if self._builder is not None:
                try:
                    self._builder.restore(stream)
                except RefusalError as refusal:
                    problems.append(f"{stream}: adapter: {refusal}")
            if refusal := self._serve(model):
                problems.append(f"{stream}: adapter: {refusal}")
        return problems

    def install(self, assignment: Assignment, definition: StreamDefinition | None, reader: Callable[[], Reader]) -> Action:
        """Install an assigned version, unless it serves already.

        Parameters
        ----------
        definition
            Definition of the stream; ``None`` if it is not defined.
        reader
            Gives the reader of chunks; called only if there is a file to fetch.

        Raises
        ------
        RefusalError
            The model is refused, and the serving one stays.
        """
        check_place(assignment)
        statement = self._verification.statement(assignment)
        features = definition and tuple(feature.name for feature in definition.features)
        serial = self._serials.get(statement.stream, 0)
        installed = self._models.installed(statement.stream)
        known = installed and replace(installed, serial=serial)
        action = decide(known, assignment, statement, features, self._verification.max_bytes)
        if action is Action.KEEP:
            if assignment.serial > serial:
                self._keep_serial(statement.stream, assignment.serial)
            return action
        if definition is not None:
            check_task(statement, definition.task)
        package = self._verification.fetched(statement, assignment, reader)
        model = _load(statement, package)
        self._store.save(statement.stream, package)
        self._serials[statement.stream] = package.serial
        self._serve(model)
        return action

    def _keep_serial(self, stream: str, serial: int) -> None:
        """Keep the serial of an assignment to what serves already, lest the one before it be carried out some day."""
        with suppress(BrokenFileError):  # without a package there is no version either after a restart
            self._store.save(stream, replace(self._store.load(stream), serial=serial))
        self._serials[stream] = serial

    def _serve(self, model: ServingModel) -> RefusalError | None:
        """Serve a version in the stream's mixture, else alone; a refused mixture is tried again."""
        try:
            mixture = self._builder and self._builder.build(model.statement)
        except RefusalError as refusal:
            self._models.install(model)
            return refusal
        self._models.install(mixture or model)
        return None


def _load(statement: VersionStatement, package: Package) -> ServingModel:
    try:
        return ServingModel(statement, package.model)
    except Exception as error:  # onnxruntime raises what it likes
        raise RefusalError(Reason.LOAD, f"{type(error).__name__}: {error}") from error
