"""Lookup of writers' schemas by every kind of id, with their references."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import quote

import httpx
from edgeloop_errors import FatalError, InvalidError, RetryableError

from edgeloop_kafka.framing import Naming, SchemaId

AVRO = "AVRO"
MOST_REFERENCES = 64
# Apicurio has its own interface beside the common one; releases of 3.x have both.
_COMPATIBLE = "/apis/ccompat/"
_OWN = ("/apis/registry/v2", "/apis/registry/v3")
_NOT_ALLOWED = frozenset({401, 403})  # says something of us, and nothing of the schema
_OWN_PATHS = {Naming.GLOBAL: "globalIds", Naming.CONTENT: "contentIds", Naming.HASH: "contentHashes"}


class UnknownSchemaError(InvalidError):
    """The registry itself says that it holds no such schema; asking again will not help."""


class RegistryUnavailableError(RetryableError):
    """No answer that can be relied on: no connection, a time-out, or trouble on the server's side. Ask again later."""


class RegistryRefusedError(FatalError):
    """The registry answered no.

    Attributes
    ----------
    code
        Its error code, such as 409 for an incompatible schema, or the HTTP status where it gave none.
    status
        HTTP status.
    """

    def __init__(self, code: int, message: str, status: int = 0) -> None:
        super().__init__(f"schema registry: {code}: {message}")
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class WrittenSchema:
    """A schema that records were written with.

    Attributes
    ----------
    text
        As it was registered.
    references
        Texts of the schemas that it names, each before those that name it.
    format
        ``AVRO``, ``PROTOBUF`` or ``JSON``.
    """

    text: str
    references: tuple[str, ...] = ()
    format: str = AVRO


class Asked(Protocol):
    """The part of :class:`edgeloop_kafka.SchemaRegistry` that is used here."""

    url: str

    def get(self, path: str) -> dict[str, Any]:
        """Object that the registry answers with."""
        ...

    def sent(self, method: str, url: str) -> httpx.Response:
        """Answer to a request to any address of the registry's server."""
        ...


def written(registry: Asked, wanted: SchemaId) -> WrittenSchema:
    """Schema of that name; see :meth:`edgeloop_kafka.SchemaRegistry.schema`."""
    if wanted.naming is Naming.ID:
        return _whole(registry, registry.get(f"/schemas/ids/{wanted.value}"))
    if wanted.naming is not Naming.GUID:
        return _by_apicurio(registry, wanted)
    try:
        return _whole(registry, registry.get(f"/schemas/guids/{uuid.UUID(str(wanted.value))}"))
    except RegistryRefusedError as error:
        if error.status == 404:  # no such resource: a registry that gives out no GUIDs
            raise UnknownSchemaError("the registry gives out no GUIDs") from error
        raise


def _by_apicurio(registry: Asked, wanted: SchemaId) -> WrittenSchema:
    """A schema by the numbers of Apicurio's own interface."""
    head, compatible, _ = registry.url.partition(_COMPATIBLE)
    for root in _OWN if compatible else ():
        url = f"{head}{root}/ids/{_OWN_PATHS[wanted.naming]}/{wanted.value}"
        answer = registry.sent("GET", url)
        if answer.is_success:
            return _whole(registry, {"schema": answer.text, "references": _references(registry.sent("GET", url + "/references"))})
        if answer.status_code not in {400, 404, 405}:
            raise RegistryUnavailableError(f"asked for {wanted}: HTTP {answer.status_code}: {answer.text[:200]}")
    raise UnknownSchemaError(f"the registry knows no {wanted}")


def _references(answer: httpx.Response) -> list[dict[str, Any]]:
    """Schema that Apicurio's own interface names by artifact; artifacts are the subjects of the shared interface."""
    if not answer.is_success:
        return []
    return [{"subject": one.get("artifactId"), "version": one.get("version")} for one in _objects(answer.json())]


def _whole(registry: Asked, found: dict[str, Any]) -> WrittenSchema:
    """A schema out of an answer, its references looked up."""
    if not isinstance(found.get("schema"), str):
        raise RegistryUnavailableError(f"expected a schema, given {str(found)[:200]}")
    followed = _Followed(registry.get)
    followed.follow(_objects(found.get("references")))
    return WrittenSchema(found["schema"], tuple(followed.texts.values()), str(found.get("schemaType") or AVRO))


@dataclass(slots=True)
class _Followed:
    """References that were looked up, those of others first."""

    get: Callable[[str], dict[str, Any]]
    texts: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def follow(self, references: list[dict[str, Any]], inside: tuple[tuple[str, str], ...] = ()) -> None:
        for one in references:
            place = str(one.get("subject")), str(one.get("version"))
            if place in self.texts:
                continue
            if place in inside or len(inside) + len(self.texts) >= MOST_REFERENCES:
                raise UnknownSchemaError(f"references go round, or are more than {MOST_REFERENCES}: {place[0]} version {place[1]}")
            found = self._found(*place)
            self.follow(_objects(found.get("references")), (*inside, place))
            self.texts[place] = str(found.get("schema"))

    def _found(self, subject: str, version: str) -> dict[str, Any]:
        """Schema that a reference names. Strangers write references, so a missing schema must never look like a registry failure."""
        if subject in {".", ".."} or not (version.isascii() and version.isdecimal()):
            raise UnknownSchemaError(f"a reference to {subject[:200]!r} version {version[:200]!r}: expected a subject and a whole number")
        try:
            return self.get(f"/subjects/{quote(subject, safe='')}/versions/{version}")
        except RegistryRefusedError as error:
            if error.status in _NOT_ALLOWED:
                raise
            raise UnknownSchemaError(f"a reference to {subject[:200]!r} version {version}: {error}") from error


def _objects(given: Any) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", one) for one in cast("list[Any]", given) if isinstance(one, dict)] if isinstance(given, list) else []
