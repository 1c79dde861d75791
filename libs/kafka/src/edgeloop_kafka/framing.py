"""Frames of records: the id of the writer's schema, before the body or in the headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from edgeloop_errors import InvalidError

ENCODING = "apicurio.value.encoding"
GLOBAL_ID = "apicurio.value.globalId"
CONTENT_ID = "apicurio.value.contentId"
CONTENT_HASH = "apicurio.value.contentHash"
ARTIFACT_ID = "apicurio.value.artifactId"
GUID = "__value_schema_id"
HEADERS = frozenset({GLOBAL_ID, CONTENT_ID, CONTENT_HASH, ARTIFACT_ID, GUID})
MOST = 2**31 - 1  # an id is a Java int: no registry has a larger one, and some fail on a request for one

PLAIN = "write with an Avro serializer that uses the schema registry (docs/clients.md)"
PLAIN_APICURIO = "set apicurio.registry.headers.enabled=false and apicurio.registry.as-confluent=true at the client"
PLAIN_CONFLUENT = "set the client's schema id serializer to the one that writes the id before the body (the prefix, not the header)"


class Naming(StrEnum):
    """Kinds of names of a schema."""

    ID = "schema id"
    GLOBAL = "global id"
    CONTENT = "content id"
    HASH = "content hash"
    GUID = "schema GUID"


@dataclass(frozen=True, slots=True)
class SchemaId:
    """Name of a writer's schema.

    Attributes
    ----------
    value
        A number, or the hex digits of a hash or GUID.
    naming
        What kind of name it is.
    """

    value: int | str
    naming: Naming = Naming.ID

    def __str__(self) -> str:
        return f"{self.naming} {self.value}"

    @property
    def advice(self) -> str:
        """Setting of the client that makes it send the id that every registry knows; ``""`` where it does."""
        if self.naming is Naming.ID:
            return ""
        return PLAIN_CONFLUENT if self.naming is Naming.GUID else PLAIN_APICURIO


class UnframedError(InvalidError):
    """A record that does not say which schema it was written with."""


def readings(data: bytes, headers: Mapping[str, bytes]) -> list[tuple[SchemaId, bytes]]:
    """Possible schemas of a record, the likeliest first, each with the Avro body to read.

    Headers come first, as in the registries' own deserializers. A program that copies the headers of a record and frames it anew sends
    both.

    Parameters
    ----------
    data
        Value of the record.
    headers
        Its headers.

    Raises
    ------
    UnframedError
        Says what was expected and given.
    """
    found = [(name, data) for name in _named(headers)] if not HEADERS.isdisjoint(headers) else []
    if len(data) >= 5 and data[0] == 0:
        if schema_id := int.from_bytes(data[1:5], "big"):
            if schema_id <= MOST:
                found.append((SchemaId(schema_id), data[5:]))
        elif len(data) >= 9:  # eight bytes, as Apicurio's serializers write them; which of its two numbers it is they do not say
            schema_id = int.from_bytes(data[1:9], "big")
            found += [(SchemaId(schema_id, naming), data[9:]) for naming in (Naming.GLOBAL, Naming.CONTENT) if schema_id]
    if not found:
        raise UnframedError(_expected(data, headers))
    return found


def _expected(data: bytes, headers: Mapping[str, bytes]) -> str:
    if ARTIFACT_ID in headers:
        return f"expected a schema id, given the name of an artifact in the header {ARTIFACT_ID}: {PLAIN_APICURIO}"
    return f"expected a zero byte and a schema id, given {data[:5]!r}: {PLAIN}"


def _named(headers: Mapping[str, bytes]) -> Iterator[SchemaId]:
    if headers.get(ENCODING, b"BINARY").upper() == b"JSON":
        raise UnframedError(
            f"expected Avro's binary encoding, given JSON by the header {ENCODING}: set apicurio.registry.avro.encoding=BINARY"
        )
    for header, naming in ((GLOBAL_ID, Naming.GLOBAL), (CONTENT_ID, Naming.CONTENT)):
        if header in headers:
            yield SchemaId(_number(header, headers[header], 8), naming)
    if CONTENT_HASH in headers:
        digest = headers[CONTENT_HASH].decode("ascii", "replace")
        if not (digest.isalnum() and digest.isascii() and len(digest) <= 128):
            raise UnframedError(f"header {CONTENT_HASH}: expected hex digits, given {digest[:80]!r}")
        yield SchemaId(digest, Naming.HASH)
    if GUID in headers:
        given = headers[GUID]
        if len(given) == 17 and given[0] == 1:
            yield SchemaId(given[1:].hex(), Naming.GUID)
        elif len(given) == 5 and given[0] == 0:
            yield SchemaId(_number(GUID, given[1:], 4))
        else:
            raise UnframedError(f"header {GUID}: expected the byte 1 and 16 bytes, or the byte 0 and 4, given {given[:20]!r}")


def _number(header: str, given: bytes, size: int) -> int:
    if len(given) != size or given[0] > 0x7F:
        raise UnframedError(f"header {header}: expected a positive number of {size} bytes, given {given[:20]!r}")
    return int.from_bytes(given, "big")
