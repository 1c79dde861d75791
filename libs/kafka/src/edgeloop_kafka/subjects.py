"""The newest schema of each subject, compared with ours: clients with default settings write with the newest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from edgeloop_contracts import Event, Topic, topics

from edgeloop_kafka.framing import SchemaId
from edgeloop_kafka.schema_registry import Latest, UnknownSchemaError, WrittenSchema
from edgeloop_kafka.writer_schemas import UndecodableError, bound


class Asked(Protocol):
    """The part of :class:`edgeloop_kafka.SchemaRegistry` that is used here."""

    def latest(self, subject: str) -> Latest:
        """The newest version of a subject; ``UnknownSchemaError`` where there is none."""
        ...

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        """A schema with what it refers to."""
        ...


@dataclass(frozen=True, slots=True)
class Foreign:
    """A subject whose newest schema is not that of this release.

    Attributes
    ----------
    subject, version, id
        Of the newest schema.
    why
        What it lacks, or what it is.
    harmful
        Whether records that are written with it are dead letters. Another release's schema, say, does no harm.
    """

    subject: str
    version: int
    id: int
    why: str
    harmful: bool

    def __str__(self) -> str:
        return f"{self.subject}: version {self.version} (schema id {self.id}) is not ours: {self.why}"


def foreign(registry: Asked, prefix: str, chosen: Iterable[Topic] | None = None) -> list[Foreign]:
    """Subjects whose newest schema somebody else has registered.

    Parameters
    ----------
    registry
        Asked once a subject.
    prefix
        What heads the names of topics.
    chosen
        Topics to look at; by default those that anybody may write.

    Raises
    ------
    RegistryUnavailableError
        No answer.
    """
    looked = (topic for topic in topics.all_topics() if not topic.producer) if chosen is None else chosen
    found = [_judged(registry, prefix + topic.subject(kind), kind) for topic in looked for kind in topic.kinds]
    return [one for one in found if one is not None]


def _judged(registry: Asked, subject: str, kind: type[Event]) -> Foreign | None:
    try:
        latest = registry.latest(subject)
    except UnknownSchemaError:  # none yet: `edgeloop topics --diff` tells that
        return None

    def said(why: str, *, harmful: bool) -> Foreign:
        return Foreign(subject, latest.version, latest.id, why, harmful)

    try:
        writer = bound(registry.schema(SchemaId(latest.id)), f"schema id {latest.id}")
    except (UndecodableError, UnknownSchemaError) as error:
        return said(str(error), harmful=True)
    if writer.kind is not kind:
        return said(f"it describes {writer.name}", harmful=True)
    if writer.fault:
        return said(str(writer.fault), harmful=True)
    if writer.reader is None:
        return None
    ours, theirs = _fields(kind), set(writer.given)
    fewer, more = sorted(ours - theirs), sorted(theirs - ours)
    parts = [*([f"lacks {', '.join(fewer)}"] if fewer else []), *([f"has {', '.join(more)} besides"] if more else [])]
    lost = "; who writes with the newest schema sends none of these" if fewer else ""
    return said(("it " + " and ".join(parts) if parts else "its types are others") + lost, harmful=False)


def _fields(kind: type[Event]) -> set[Any]:
    return {f["name"] for f in json.loads(kind.SCHEMA)["fields"]}
