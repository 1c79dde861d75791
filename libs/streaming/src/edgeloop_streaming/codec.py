"""Events to bytes and back: Avro in the Confluent wire format (a zero byte, four bytes of schema id, the body)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any, Protocol, TypeVar, cast

import fastavro
from edgeloop_contracts import EVENTS, Event, Topic
from fastavro.schema import to_parsing_canonical_form

from edgeloop_streaming.registry import RegistryRefused, UnknownSchema

E = TypeVar("E", bound=Event)

KINDS: dict[str, type[Event]] = {kind.FULLNAME: kind for kind in EVENTS}
_PARSED: dict[type[Event], Any] = {kind: fastavro.parse_schema(json.loads(kind.SCHEMA)) for kind in EVENTS}


class UndecodableError(Exception):
    """Bytes that are no event of their topic.

    Parameters
    ----------
    reason
        ``NOT_AVRO``, ``UNKNOWN_SCHEMA``, ``UNSAFE_SCHEMA``, ``WRONG_TYPE`` or ``TOO_LARGE``.
    message
        Expected and given.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class UnknownKindError(Exception):
    """A well-formed record of a kind that this version of the code does not know: skipped and counted."""


class Schemas(Protocol):
    """What the codec needs of a schema registry."""

    def lookup(self, subject: str, schema: str) -> int:
        """Id of a schema that is registered under ``subject``."""
        ...

    def schema(self, schema_id: int) -> str:
        """Text of the schema with that id; raises ``UnknownSchema`` where the registry says that there is none."""
        ...


def body(event: Event) -> bytes:
    """Avro body of an event, without frame."""
    out = BytesIO()
    fastavro.schemaless_writer(out, _PARSED[type(event)], event.as_dict())
    return out.getvalue()


def from_body(kind: type[E], data: bytes) -> E:
    """Event of a known kind from its Avro body, which must have been written with the same schema."""
    return kind.from_dict(cast("Any", _read(data, _PARSED[kind], None)))


def unsafe(schema: Any, inside: tuple[str, ...] = ()) -> str:
    """Why a writer's schema from outside is not to be read with, or ``""``.

    A recursive type can exhaust the stack, and an array of items that take no bytes the memory: five bytes made a list
    of 30 million elements.
    """
    match schema:
        case {"type": "record", "name": name, "fields": fields}:
            if name in inside:
                return f"the type {name} contains itself"
            return next((why for f in fields if (why := unsafe(f["type"], (*inside, name)))), "")
        case {"type": "array", "items": items}:
            if items == "null" or (isinstance(items, dict) and not items.get("fields", True)):
                return "an array of items without bytes"
            return unsafe(items, inside)
        case {"type": "map", "values": values}:
            return unsafe(values, inside)
        case {"type": dict() | list() as inner}:
            return unsafe(inner, inside)
        case list():
            return next((why for branch in cast("list[Any]", schema) if (why := unsafe(branch, inside))), "")
        case str() if schema in inside:
            return f"the type {schema} contains itself"
        case _:
            return ""


class Codec:
    """Encodes and decodes events with a schema registry, whose answers are kept.

    Parameters
    ----------
    schemas
        The registry.
    prefix
        What heads topic names, and with them subjects.
    """

    def __init__(self, schemas: Schemas, prefix: str = "") -> None:
        self._schemas = schemas
        self._prefix = prefix
        self._ids: dict[tuple[str, type[Event]], bytes] = {}
        self._writers: dict[int, Any] = {}

    def encode(self, topic: Topic, event: Event) -> bytes:
        """Frame and body of ``event`` for ``topic``.

        Raises
        ------
        ValueError
            The topic does not carry that kind, or the record is larger than the topic takes.
        """
        return self.framed(topic, type(event), body(event))

    def framed(self, topic: Topic, kind: type[Event], encoded: bytes) -> bytes:
        """Frame and body, as :meth:`encode`, where the body is at hand."""
        data = self.frame(topic, kind) + encoded
        if len(data) > topic.max_bytes:
            raise ValueError(f"{topic.name} takes records of {topic.max_bytes} bytes; a {kind.FULLNAME} has {len(data)}")
        return data

    def frame(self, topic: Topic, kind: type[Event]) -> bytes:
        """The five bytes that stand before a body of ``kind`` in ``topic``."""
        known = self._ids.get((topic.name, kind))
        if known is None:
            if kind not in topic.kinds:
                raise ValueError(f"{topic.name} carries {[k.FULLNAME for k in topic.kinds]}, not {kind.FULLNAME}")
            schema_id = self._schemas.lookup(self._prefix + topic.subject(kind), kind.SCHEMA)
            known = self._ids[topic.name, kind] = b"\0" + schema_id.to_bytes(4, "big")
        return known

    def prepare(self, topics: Iterable[Topic]) -> None:
        """Look up what records of these topics begin with, so that nothing has to be asked later; kinds that are not registered wait.

        Raises
        ------
        RegistryUnavailable
            No answer.
        """
        for topic in topics:
            for kind in topic.kinds:
                with suppress(UnknownSchema, RegistryRefused):
                    self.frame(topic, kind)

    def decode(self, topic: Topic, data: bytes) -> Event:
        """Event in a record of ``topic``, resolved to the schema of this code.

        Raises
        ------
        UndecodableError
            The bytes are no event of the topic.
        UnknownKindError
            A kind that a newer program added to the topic.
        RegistryUnavailable
            The writer's schema cannot be had now.
        """
        if len(data) > topic.max_bytes:
            raise UndecodableError("TOO_LARGE", f"expected at most {topic.max_bytes} bytes, given {len(data)}")
        if len(data) < 5 or data[0] != 0:
            raise UndecodableError("NOT_AVRO", f"expected a zero byte and a schema id, given {data[:5]!r}")
        schema_id = int.from_bytes(data[1:5], "big")
        writer = self._writer(schema_id)
        kind = KINDS.get(writer["name"])
        if kind is None and len(topic.kinds) > 1:
            raise UnknownKindError(writer["name"])
        if kind is None or kind not in topic.kinds:
            raise UndecodableError("WRONG_TYPE", f"expected {[k.FULLNAME for k in topic.kinds]}, given {writer['name']}")
        try:
            fields = _read(data[5:], writer, _PARSED[kind])
            return kind.from_dict(cast("Any", fields))
        except Exception as error:  # fastavro raises whatever the broken bytes lead it into
            raise UndecodableError("NOT_AVRO", f"expected {kind.FULLNAME} (schema id {schema_id}): {error!r}") from error

    def bodies(self, topic: Topic, kind: type[Event], values: Sequence[bytes]) -> list[bytes] | None:
        """Avro bodies of records of ``topic`` that were all written with this code's schema of ``kind``.

        ``None`` when one was not, or has no such frame: :meth:`decode` tells what it is.

        Raises
        ------
        RegistryUnavailable
            The writer's schema cannot be had now.
        """
        frame = values[0][:5]
        if len(frame) < 5 or frame[0] != 0 or not all(value.startswith(frame) and len(value) <= topic.max_bytes for value in values):
            return None
        try:
            writer = self._writer(int.from_bytes(frame[1:], "big"))
        except UndecodableError:
            return None
        return [value[5:] for value in values] if writer is _PARSED[kind] else None

    def _writer(self, schema_id: int) -> Any:
        if schema_id not in self._writers:
            try:
                text = self._schemas.schema(schema_id)
            except UnknownSchema as error:
                raise UndecodableError("UNKNOWN_SCHEMA", f"the registry has no schema with id {schema_id}") from error
            schema = json.loads(text)
            if not isinstance(schema, dict) or schema.get("type") != "record":
                raise UndecodableError("WRONG_TYPE", f"expected a record, schema id {schema_id} is {text[:80]}")
            if why := unsafe(schema):
                raise UndecodableError("UNSAFE_SCHEMA", f"schema id {schema_id}: {why}")
            self._writers[schema_id] = _known_or_parsed(schema)
        return self._writers[schema_id]


def _known_or_parsed(schema: Any) -> Any:
    """Our own parsed schema where the writer's is the same, so that no resolution is needed."""
    parsed: Any = fastavro.parse_schema(schema)
    kind = KINDS.get(parsed["name"])
    if kind and to_parsing_canonical_form(parsed) == to_parsing_canonical_form(_PARSED[kind]):
        return _PARSED[kind]
    return parsed


def _read(data: bytes, writer: Any, reader: Any) -> Any:
    stream = BytesIO(data)
    fields = fastavro.schemaless_reader(stream, writer, None if reader is writer else reader)
    if stream.tell() != len(data):
        raise ValueError(f"{len(data) - stream.tell()} bytes follow the record")
    return fields
