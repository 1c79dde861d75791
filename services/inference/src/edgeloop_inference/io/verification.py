"""Verification of models (signed, complete, meant for the stream, load-checked) and of adapters (signed)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from edgeloop_contracts import Assignment, ModelAdapter
from edgeloop_contracts.rpc.model_graph import Model
from edgeloop_readers import RangeGoneError
from edgeloop_signing.statements import VersionStatement
from google.protobuf.message import DecodeError

from edgeloop_inference.core.graph import forbidden
from edgeloop_inference.core.version_admission import Reason, RefusalError, check_bytes
from edgeloop_inference.io.archive import Archive
from edgeloop_inference.io.chunks import fetch
from edgeloop_inference.io.kafka_clients import Reader
from edgeloop_inference.io.model_store import Package
from edgeloop_inference.io.partial_downloads import Partials
from edgeloop_inference.io.trust import Trust


class ModelCheck(Protocol):
    """Load check of a model, outside this process."""

    def check(self, model: bytes) -> None:
        """Raise ``RefusalError`` if the model must not come into this process."""
        ...


StartLoadCheck = Callable[[VersionStatement], AbstractContextManager[ModelCheck]]


class Verification:
    """The only way for models and adapters into the process.

    Parameters
    ----------
    trust
        Of the device.
    start_load_check
        Starts the load check of a model that is described by its statement and comes later.
    archive
        Files of earlier versions.
    partials
        Received parts of files that are being fetched.
    max_bytes
        Largest model that the device takes.
    """

    def __init__(self, trust: Trust, start_load_check: StartLoadCheck, archive: Archive, partials: Partials, max_bytes: int) -> None:
        self._trust = trust
        self._start_load_check = start_load_check
        self._archive = archive
        self._partials = partials
        self.max_bytes = max_bytes

    def statement(self, assignment: Assignment) -> VersionStatement:
        """Signed statement about an assigned model.

        Raises
        ------
        RefusalError
            ``SIGNATURE``.
        """
        return self._trust.verified(assignment.signed.statement, assignment.signed.signature)

    def adapter(self, event: ModelAdapter) -> None:
        """Check that an adapter is signed.

        Raises
        ------
        RefusalError
            ``SIGNATURE``.
        """
        self._trust.check(event)

    def fetched(self, statement: VersionStatement, assignment: Assignment, reader: Callable[[], Reader]) -> Package:
        """Fetch a model whose statement was admitted, unless its file is archived, and load-check it.

        Raises
        ------
        RefusalError
            ``MISSING``, ``DIGEST`` or ``LOAD``.
        """
        with self._start_load_check(statement) as load_check:
            data = self._archive.get(statement.stream, statement.digest)
            if data is None:
                try:
                    data = fetch(reader(), assignment.file, self._partials)
                except RangeGoneError as error:
                    raise RefusalError(Reason.MISSING, str(error)) from error
                self._partials.drop(statement.digest)  # verified or not, there is nothing to add to it
            check_bytes(statement, data)
            check_graph(data)
            load_check.check(data)
        self._archive.put(statement.stream, statement.version, statement.digest, data)
        return Package(assignment.signed.statement, assignment.signed.signature, data, assignment.serial)

    def stored(self, package: Package) -> VersionStatement:
        """Check that a package on disk, load-checked before, is unchanged.

        Raises
        ------
        RefusalError
            ``SIGNATURE`` or ``DIGEST``.
        """
        statement = self._trust.verified(package.statement, package.signature)
        check_bytes(statement, package.model)
        return statement


def check_graph(data: bytes) -> None:
    """Check that a file is a model without external data or forbidden operators.

    Raises
    ------
    RefusalError
        ``LOAD``.
    """
    try:
        why = forbidden(Model.FromString(data))
    except DecodeError as error:
        raise RefusalError(Reason.LOAD, f"the file is no ONNX model: {error}") from error
    if why:
        raise RefusalError(Reason.LOAD, why)
