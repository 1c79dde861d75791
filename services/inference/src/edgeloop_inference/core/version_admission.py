"""Admission of assigned models."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edgeloop_contracts import AdapterMember, Assignment, StreamTask
from edgeloop_contracts.plausibility import impossible_place
from edgeloop_errors import InvalidError
from edgeloop_signing.statements import VersionStatement


class Reason(StrEnum):
    """Reasons to refuse a model."""

    DIGEST = "DIGEST"
    SIGNATURE = "SIGNATURE"
    DEFINITION = "DEFINITION"
    OLDER = "OLDER"
    LOAD = "LOAD"
    MISSING = "MISSING"
    IMPOSSIBLE = "IMPOSSIBLE"


class RefusalError(InvalidError):
    """An assigned model is refused; the serving model stays.

    Parameters
    ----------
    reason
        Typed reason.
    message
        Expected and given values, for a person.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class Action(StrEnum):
    """Decisions about an assignment."""

    KEEP = "KEEP"
    INSTALL = "INSTALL"


@dataclass(frozen=True, slots=True)
class Installed:
    """Current version of a stream.

    Attributes
    ----------
    serial
        Largest serial of an assignment that the device has carried out.
    """

    version: int
    digest: str
    adapter: int = 0
    serial: int = 0


def check_place(assignment: Assignment) -> None:
    """Check that the place of a file is possible; it is not signed, and no reader may read an impossible place.

    Raises
    ------
    RefusalError
        ``IMPOSSIBLE``.
    """
    if why := impossible_place(assignment):
        raise RefusalError(Reason.IMPOSSIBLE, why)


def admit(statement: VersionStatement, assignment: Assignment, features: Sequence[str] | None, max_bytes: int) -> None:
    """Check that a verified statement is of the named model, and that the model suits the stream.

    Parameters
    ----------
    assignment
        The event that names the model; for a member of a mixture see :func:`member_assignment`.
    features, max_bytes
        As in :func:`decide`.

    Raises
    ------
    RefusalError
        ``IMPOSSIBLE``, ``DIGEST``, ``DEFINITION`` or ``LOAD`` (too large).
    """
    check_place(assignment)
    _same(statement, assignment)
    _suits(statement, features, max_bytes)


def member_assignment(tenant: str, stream: str, member: AdapterMember) -> Assignment:
    """Assignment that names a member of a mixture; members are verified and fetched in the same way as assigned models."""
    return Assignment(
        device_id="",
        tenant=tenant,
        stream=stream,
        version=member.version,
        file=member.file,
        signed=member.signed,
    )


def decide(
    installed: Installed | None, assignment: Assignment, statement: VersionStatement, features: Sequence[str] | None, max_bytes: int
) -> Action:
    """Decide whether to install an assigned model.

    The caller has verified the statement's signature. The function checks three conditions. The statement names the same stream, version,
    digest and size as the assignment. The version is newer than the installed one, or the same, unless the assignment has a higher
    serial: that sends the device back. The model's features are those of the stream.

    Serials only rise, so an old assignment that somebody writes again changes nothing, whichever version it names.

    Parameters
    ----------
    installed
        The serving version; ``None`` if there is none.
    features
        Names of the stream's features in order; ``None`` if the stream is not defined.
    max_bytes
        Size of the largest model that the device accepts.

    Raises
    ------
    RefusalError
        ``DIGEST``, ``OLDER``, ``DEFINITION`` or ``LOAD`` (too large).
    """
    _same(statement, assignment)
    if installed and installed.version == statement.version:
        if installed.digest == statement.digest:
            return Action.KEEP
        raise RefusalError(
            Reason.DIGEST, f"version {statement.version} is installed with digest {installed.digest}, not {statement.digest}"
        )
    if installed and assignment.serial < installed.serial:
        raise RefusalError(Reason.OLDER, f"serial {installed.serial} was carried out, {assignment.serial} is older")
    if installed and installed.version > statement.version and assignment.serial == installed.serial:
        raise RefusalError(Reason.OLDER, f"version {installed.version} is installed, {statement.version} is older")
    _suits(statement, features, max_bytes)
    return Action.INSTALL


def check_task(statement: VersionStatement, task: StreamTask) -> None:
    """Check that a model answers in the form of its stream's task.

    Raises
    ------
    RefusalError
        ``DEFINITION``.
    """
    if bool(statement.classes) != (task is StreamTask.CLASSIFICATION):
        answers = f"one of {len(statement.classes)} classes" if statement.classes else "a number"
        raise RefusalError(Reason.DEFINITION, f"the stream's task is {task.value}, the model answers with {answers}")


def check_bytes(statement: VersionStatement, data: bytes) -> None:
    """Check that a file is the one that the statement names.

    Raises
    ------
    RefusalError
        ``DIGEST``: another size or another SHA-256.
    """
    if len(data) != statement.size:
        raise RefusalError(Reason.DIGEST, f"expected {statement.size} bytes, given {len(data)}")
    digest = hashlib.sha256(data).hexdigest()
    if digest != statement.digest:
        raise RefusalError(Reason.DIGEST, f"expected SHA-256 {statement.digest}, given {digest}")


def _same(statement: VersionStatement, assignment: Assignment) -> None:
    file = assignment.file
    assigned = (assignment.tenant, assignment.stream, assignment.version, file.digest, file.size)
    for name, given in zip(("tenant", "stream", "version", "digest", "size"), assigned, strict=True):
        said = getattr(statement, name)
        if said != given:
            raise RefusalError(Reason.DIGEST, f"{name}: the signed statement says {said!r}, the assignment {given!r}")


def _suits(statement: VersionStatement, features: Sequence[str] | None, max_bytes: int) -> None:
    if features is None:
        raise RefusalError(Reason.DEFINITION, f"the stream {statement.stream} is not defined")
    if tuple(features) != statement.features:
        raise RefusalError(Reason.DEFINITION, f"the stream's features are {list(features)}, the model's are {list(statement.features)}")
    if not 0 < statement.size <= max_bytes:
        raise RefusalError(Reason.LOAD, f"expected at most {max_bytes} bytes, the model has {statement.size}")
