"""Content of versions in MLflow's model registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeloop_contracts import ModelVersion, StreamKey, TrainingRun
from edgeloop_signing.statements import StatementError, VersionStatement

NUMBER = "edgeloop.version"
CHAMPION = "champion"
INVALID = "invalid"
_ODD = re.compile(r"[^\w\-]")


@dataclass(frozen=True, slots=True)
class VersionNote:
    """A version of a registered model.

    Attributes
    ----------
    name
        Name of the registered model, one per stream.
    number
        edgeloop's number of the version; MLflow's own may differ.
    tags, description
        In MLflow's form.
    about
        Tags of the registered model.
    champion
        The version may become the champion if it is the newest.
    """

    name: str
    number: int
    tags: dict[str, str]
    description: str
    about: dict[str, str]
    champion: bool


def registered(head: str, event: ModelVersion) -> str:
    """Name of a stream's registered model. Characters that MLflow does not allow, and dots, are written as their number.

    Examples
    --------
    >>> registered("edgeloop", ModelVersion(tenant="default", stream="boiler-7"))
    'edgeloop.default.boiler-7'
    >>> registered("edgeloop", ModelVersion(tenant="a.b", stream="c:d"))
    'edgeloop.a~2e~b.c~3a~d'
    """
    parts = (_ODD.sub(lambda odd: f"~{ord(odd[0]):x}~", part) for part in (event.tenant, event.stream))
    return ".".join([head, *parts])


def asked(event: ModelVersion) -> TrainingRun:
    """The run of a version, with the fields that the version has."""
    campaign, _, stage = event.request_id.rpartition("/")
    return TrainingRun(
        tenant=event.tenant,
        stream=event.stream,
        request_id=event.request_id,
        campaign=campaign or event.request_id,
        stage=int(stage) if campaign and stage.isdigit() else 0,
        file=event.file,
        classes=event.classes,
        parameters=event.parameters,
    )


def named(event: ModelVersion) -> bool:
    """Check that a version's signed statement is about this version and no other."""
    try:
        statement = VersionStatement.parse(event.signed.statement)
    except StatementError:
        return False
    named_by_it = (statement.tenant, statement.stream, statement.version, statement.digest, statement.size)
    return named_by_it == (event.tenant, event.stream, event.version, event.file.digest, event.file.size)


def note(head: str, event: ModelVersion, at: str, signature: str, model: str) -> VersionNote:
    """Content of a version.

    Parameters
    ----------
    at
        Place of the event.
    signature
        State of its signature.
    model
        State of its file.
    """
    tags = {
        NUMBER: str(event.version),
        "edgeloop.at": at,
        "edgeloop.beat_version": str(event.beat_version or 0),
        "edgeloop.dataset_digest": event.dataset_digest,
        "edgeloop.definition_version": str(event.definition_version),
        "edgeloop.digest": event.file.digest,
        "edgeloop.key_id": event.signed.key_id,
        "edgeloop.model": model,
        "edgeloop.request_id": event.request_id,
        "edgeloop.signature": signature,
    }
    if event.recalls:
        tags["edgeloop.recalls"] = str(event.recalls)
    beaten = f"version {event.beat_version}" if event.beat_version else "the majority class"
    return VersionNote(
        name=registered(head, event),
        number=event.version,
        tags={name: value for name, value in tags.items() if value},
        description=f"Version {event.version} of {StreamKey.of(event)}, fitted on {event.rows} rows; it beat {beaten}.",
        about={"edgeloop.tenant": event.tenant, "edgeloop.stream": event.stream},
        champion=signature != INVALID,
    )
