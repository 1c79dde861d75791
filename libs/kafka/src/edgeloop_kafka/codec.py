"""Events to bytes and back: Avro in the Confluent wire format (a zero byte, four bytes of schema id, the body)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any, Protocol, TypeVar, cast

import fastavro
from edgeloop_contracts import EVENTS, Event, Topic
from edgeloop_contracts.registered import TEXTS
from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidError, InvalidEventError

from edgeloop_kafka.columns import Columns, read_columns
from edgeloop_kafka.framing import HEADERS, Naming, SchemaId, UnframedError, readings
from edgeloop_kafka.record_layout import Layout, NotUniformError, layout_of
from edgeloop_kafka.schema_registry import RegistryRefusedError, UnknownSchemaError, WrittenSchema
from edgeloop_kafka.writer_schemas import KINDS, PARSED, UndecodableError, Writer, bound, fingerprint, fingerprint_of, null_place, read

E = TypeVar("E", bound=Event)

MOST_WRITERS = 4_096
_OWN: dict[type[Event], Writer] = {kind: Writer(kind.FULLNAME, kind, PARSED[kind]) for kind in EVENTS}


class UnencodableError(InvalidError, ValueError):
    """An event that its schema or its topic cannot hold."""


class UnknownKindError(InvalidEventError):
    """A well-formed record of a kind that this release does not know. It is skipped and counted, and becomes no dead letter.

    Parameters
    ----------
    kind
        Full name of its schema.
    """

    def __init__(self, kind: str) -> None:
        super().__init__("UNKNOWN_KIND", f"this release does not know the kind {kind}")
        self.kind = kind


class Schemas(Protocol):
    """The part of a schema registry that the codec needs."""

    def lookup(self, subject: str, schema: str) -> int:
        """Id of a schema that is registered under ``subject``."""
        ...

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        """Schema of that name; raises ``UnknownSchemaError`` where the registry says that there is none."""
        ...


def body(event: Event) -> bytes:
    """Avro body of an event, without frame.

    Raises
    ------
    UnencodableError
        A value is beyond its Avro type: fastavro would write such an int, and other readers read something else.
    """
    kind = type(event)
    if fault := event.fault():
        raise UnencodableError(f"{kind.FULLNAME}.{fault}: beyond an Avro int")
    out = BytesIO()
    try:
        fastavro.schemaless_writer(out, PARSED[kind], event.as_dict())
    except Exception as error:  # fastavro raises whatever a value leads it into
        raise UnencodableError(f"{kind.FULLNAME}: {error}") from error
    return out.getvalue()


def from_body(kind: type[E], data: bytes) -> E:
    """Event of a known kind from its Avro body, which must have been written with the same schema."""
    return kind.from_dict(cast("Any", read(data, PARSED[kind], None)))


def default_event(kind: type[E]) -> E:
    """Event of a writer that gives no field: all values are the defaults of the schema."""
    out = BytesIO()
    fastavro.schemaless_writer(out, PARSED[kind], {})
    return from_body(kind, out.getvalue())


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
        self._writers: dict[SchemaId, Writer | UndecodableError] = {}
        self._laid_out: tuple[Any, Layout | None] = (None, None)
        self._fingerprints: dict[SchemaId, bytes] = {}
        self._own: dict[bytes, Writer] = {}  # by their frames: the schemas of this code, which most records are written with

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
            raise UnencodableError(f"{topic.name} takes records of {topic.max_bytes} bytes; a {kind.FULLNAME} has {len(data)}")
        return data

    def frame(self, topic: Topic, kind: type[Event]) -> bytes:
        """The five bytes that stand before a body of ``kind`` in ``topic``."""
        known = self._ids.get((topic.name, kind))
        if known is None:
            if kind not in topic.kinds:
                raise ValueError(f"{topic.name} carries {[k.FULLNAME for k in topic.kinds]}, not {kind.FULLNAME}")
            schema_id = self._schemas.lookup(self._prefix + topic.subject(kind), TEXTS[kind.FULLNAME])
            known = self._ids[topic.name, kind] = b"\0" + schema_id.to_bytes(4, "big")
        return known

    def prepare(self, topics: Iterable[Topic]) -> None:
        """Look up the schema ids of these topics before they are needed; unregistered kinds are looked up later.

        Raises
        ------
        RegistryUnavailableError
            No answer.
        """
        for topic in topics:
            for kind in topic.kinds:
                with suppress(UnknownSchemaError, RegistryRefusedError):
                    self.frame(topic, kind)

    def decode(self, topic: Topic, data: bytes, headers: Mapping[str, bytes] | None = None) -> Event:
        """Event in a record of ``topic``, resolved to the schema of this code; its values are within their Avro types.

        Parameters
        ----------
        data, headers
            Of the record; some clients name the schema in a header.

        Raises
        ------
        UndecodableError
            The bytes are no event of the topic.
        UnknownKindError
            A kind that a newer program added to the topic.
        RegistryUnavailableError
            The writer's schema cannot be had now.
        """
        if len(data) > topic.max_bytes:
            raise UndecodableError("TOO_LARGE", f"expected at most {topic.max_bytes} bytes, given {len(data)}")
        own = self._own.get(data[:5])
        if own is not None and own.kind in topic.kinds and (not headers or HEADERS.isdisjoint(headers)):
            return _event(own, data[:5], data[5:])
        try:
            found = readings(data, headers or {})
        except UnframedError as error:
            raise UndecodableError("NOT_AVRO", str(error)) from error
        writer, schema_id, encoded = self._chosen(topic, found)
        if writer.kind is None and len(topic.kinds) > 1:
            raise UnknownKindError(cut(writer.name, 200))
        if writer.kind is None or writer.kind not in topic.kinds:
            raise UndecodableError("WRONG_TYPE", f"expected {[k.FULLNAME for k in topic.kinds]}, given {writer.name}")
        if writer.fault:
            raise UndecodableError(writer.fault.reason, writer.fault.message)
        if writer.reader is None and len(found) == 1 and schema_id.naming is Naming.ID:
            self._own[data[:5]] = writer
        return _event(writer, schema_id, encoded)

    def signed_parts(self, topic: Topic, data: bytes, headers: Mapping[str, bytes]) -> tuple[bytes, bytes]:
        """Fingerprint of the writer's schema and Avro body of a record that was decoded: what a signature covers.

        Raises
        ------
        UndecodableError, UnframedError, RegistryUnavailableError
            As :meth:`decode`.
        """
        own = self._own.get(data[:5])
        if own is not None and own.kind in topic.kinds and HEADERS.isdisjoint(headers):
            return fingerprint(own.kind), data[5:]
        writer, schema_id, encoded = self._chosen(topic, readings(data, headers))
        known = self._fingerprints.get(schema_id)
        if known is None:
            if len(self._fingerprints) >= MOST_WRITERS:
                self._fingerprints.clear()
            known = self._fingerprints[schema_id] = fingerprint_of(writer)
        return known, encoded

    def columns(self, topic: Topic, kind: type[E], values: Sequence[bytes], by: Sequence[str]) -> list[Columns[E]] | None:
        """Events in records of ``topic`` that were written with one schema, field by field; grouped by the fields ``by``.

        ``None`` when they have to be decoded one by one: :meth:`decode` tells what each of them is.

        Raises
        ------
        RegistryUnavailableError
            The writer's schema cannot be had now.
        """
        frame = values[0][:5]
        if len(frame) < 5 or frame[0] != 0 or len({value[:5] for value in values}) > 1 or max(map(len, values)) > topic.max_bytes:
            return None
        try:
            [(schema_id, _)] = readings(frame, {})
            writer = self._writer(schema_id)
            layout = self._layout(writer) if writer.kind is kind and writer.fault is None else None
            return read_columns(kind, layout, [value[5:] for value in values], by) if layout else None
        except (UndecodableError, UnframedError, NotUniformError):
            return None

    def _layout(self, writer: Writer) -> Layout | None:
        if writer.schema is not self._laid_out[0]:  # almost all records of a topic come from writers of one release
            kind: Any = writer.kind
            self._laid_out = writer.schema, layout_of(writer.schema, PARSED[kind])
        return self._laid_out[1]

    def _chosen(self, topic: Topic, found: list[tuple[SchemaId, bytes]]) -> tuple[Writer, SchemaId, bytes]:
        """The first reading whose schema is of the topic, else the first of all."""
        if len(found) == 1:
            return self._writer(found[0][0]), *found[0]
        first: UndecodableError | None = None
        read_as: list[tuple[Writer, SchemaId, bytes]] = []
        for schema_id, encoded in found:
            try:
                read_as.append((self._writer(schema_id), schema_id, encoded))
            except UndecodableError as error:
                first = first or error
        if not read_as:
            raise first or UndecodableError("UNKNOWN_SCHEMA", "no schema")
        return next((one for one in read_as if one[0].kind in topic.kinds), read_as[0])

    def _writer(self, schema_id: SchemaId) -> Writer:
        known = self._writers.get(schema_id)
        if known is None:
            try:
                found = self._schemas.schema(schema_id)
            except UnknownSchemaError as error:  # not kept: it may be registered later
                advice = f": {schema_id.advice}" if schema_id.advice else ""
                raise UndecodableError("UNKNOWN_SCHEMA", f"the registry has no schema with the {schema_id} ({error}){advice}") from error
            try:
                known = bound(found, str(schema_id))
                known = _OWN[known.kind] if known.kind and known.reader is None else known
            except UndecodableError as error:
                known = error
            if len(self._writers) >= MOST_WRITERS:
                self._writers.clear()
            self._writers[schema_id] = known
        if isinstance(known, UndecodableError):
            raise UndecodableError(known.reason, known.message)
        return known


def _event(writer: Writer, schema_id: SchemaId | bytes, encoded: bytes) -> Event:
    """The event in a body, its values within their types."""
    try:
        event = writer.read(encoded)
        if writer.reader is not None:
            body(event)  # what another's schema leads to is written again before anybody relies on it
    except UndecodableError:
        raise
    except Exception as error:  # fastavro raises whatever the broken bytes lead it into
        raise _unread(writer, schema_id, encoded, error) from error
    if fault := event.fault():
        raise UndecodableError("OUT_OF_RANGE", f"{writer.name}.{fault}: expected an int of 32 bits")
    return event


def _unread(writer: Writer, schema_id: SchemaId | bytes, encoded: bytes, error: Exception) -> UndecodableError:
    """Fault of a body that could not be read."""
    with suppress(Exception):
        if writer.kind and (place := null_place(writer.kind, writer.schema, encoded)):
            return UndecodableError("NULL_VALUE", f"{writer.name}: expected a value, given null: {place}")
    name = SchemaId(int.from_bytes(schema_id[1:], "big")) if isinstance(schema_id, bytes) else schema_id
    return UndecodableError("NOT_AVRO", f"expected {writer.name} ({name}): {error!r}")


__all__ = ["KINDS", "Codec", "Schemas", "UndecodableError", "UnknownKindError", "body", "from_body"]
