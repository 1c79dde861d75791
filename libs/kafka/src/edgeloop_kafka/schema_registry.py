"""A schema registry that speaks Confluent's HTTP interface (Confluent's own, Apicurio's ``/apis/ccompat/v7``, Karapace)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote

import httpx

from edgeloop_kafka.framing import SchemaId
from edgeloop_kafka.schema_lookup import RegistryRefusedError, RegistryUnavailableError, UnknownSchemaError, WrittenSchema, written
from edgeloop_kafka.settings import from_a_variable

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
SCHEMA_NOT_FOUND = 40403
NOT_FOUND = frozenset({40401, 40402, SCHEMA_NOT_FOUND})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest version of a subject.

    Attributes
    ----------
    id, version, text
        Of the schema.
    """

    id: int
    version: int
    text: str


class SchemaRegistry:
    """Client of one registry. Safe to share between threads.

    Parameters
    ----------
    url
        Address, with the path under which the interface is found; may hold ``user:password@``.
    timeout
        Seconds to wait for a connection or an answer.
    attempts
        Attempts of a request that is not answered in time; all requests may be repeated. A loop makes one attempt and goes on with other
        work.
    transport
        What carries the requests; tests hand in one that answers without a server.
    """

    def __init__(self, url: str, timeout: float = 5.0, attempts: int = 1, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._attempts = attempts
        self._client = httpx.Client(
            timeout=timeout,
            transport=transport,
            headers={"accept": f"{MEDIA_TYPE}, application/json"},
            # A web proxy of the environment never leads to a registry on this machine.
            trust_env=httpx.URL(url).host not in LOOPBACK,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def register(self, subject: str, schema: str) -> int:
        """Make ``schema`` (JSON) the newest of ``subject``, or find it there; give back its id.

        Raises
        ------
        RegistryRefusedError
            It is incompatible with what the subject holds (code 409), or no schema (code 42201).
        RegistryUnavailableError
            No answer.
        """
        return self._number(self._call("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema}), "id")

    def lookup(self, subject: str, schema: str) -> int:
        """Id of ``schema`` (JSON) in ``subject``.

        Raises
        ------
        UnknownSchemaError
            The subject does not exist, or does not hold it.
        RegistryUnavailableError
            No answer.
        """
        return self._number(self._call("POST", f"/subjects/{quote(subject, safe='')}", {"schema": schema}), "id")

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        """Schema of that name, with what it refers to.

        Raises
        ------
        UnknownSchemaError
            The registry says that there is none, or cannot know names of this kind.
        RegistryUnavailableError
            Any other answer without a schema. A faulty registry or a wrong address must not turn records into dead letters.
        """
        try:
            return written(self, wanted)
        except RegistryRefusedError as error:
            raise RegistryUnavailableError(f"{self._place}: asked for {wanted}: {error}") from error

    def latest(self, subject: str) -> Latest:
        """The newest version of a subject.

        Raises
        ------
        UnknownSchemaError
            The subject does not exist.
        RegistryUnavailableError
            No answer.
        """
        found = self.get(f"/subjects/{quote(subject, safe='')}/versions/latest")
        return Latest(self._number(found, "id"), self._number(found, "version"), str(found.get("schema")))

    def set_compatibility(self, subject: str, level: str) -> None:
        """Say which changes ``subject`` allows from now on, such as ``FULL_TRANSITIVE``.

        Raises
        ------
        UnknownSchemaError
            The registry knows no such subject, and wants one first.
        RegistryUnavailableError
            No answer.
        """
        self._call("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    def set_mode(self, subject: str, mode: str) -> bool:
        """Say who may write ``subject`` from now on: ``READWRITE`` or ``READONLY``; whether the registry has modes at all.

        Confluent's has them; of Apicurio 2.6 the interface answers 404.

        Raises
        ------
        RegistryRefusedError
            It has modes, and refuses this one.
        RegistryUnavailableError
            No answer.
        """
        try:
            self._call("PUT", f"/mode/{quote(subject, safe='')}", {"mode": mode})
        except UnknownSchemaError:
            return False
        except RegistryRefusedError as error:
            if error.status in {404, 405, 501}:
                return False
            raise
        return True

    def compatibility(self, subject: str) -> str | None:
        """Level that was set for ``subject``; ``None`` where none was."""
        try:
            found = self.get(f"/config/{quote(subject, safe='')}")
        except UnknownSchemaError:
            return None
        level = found.get("compatibilityLevel", found.get("compatibility"))
        return None if level is None else str(level)

    def get(self, path: str) -> dict[str, Any]:
        """Object that the registry answers with.

        Raises
        ------
        UnknownSchemaError, RegistryRefusedError
            It says no.
        RegistryUnavailableError
            No answer, or one that is no object.
        """
        found = self._call("GET", path)
        if not isinstance(found, dict):
            raise RegistryUnavailableError(f"{self._place}: asked for {path}: expected an object, given {str(found)[:200]}")
        return cast("dict[str, Any]", found)

    def sent(self, method: str, url: str, body: dict[str, str] | None = None) -> httpx.Response:
        """Answer to a request to any address of the registry's server.

        Raises
        ------
        RegistryUnavailableError
            No answer, or one that says that there will be another later.
        """
        try:
            response = self._answer(method, url, body)
        except httpx.HTTPError as error:
            named = from_a_variable("schema_registry_url", "EDGELOOP_SCHEMA_REGISTRY_URL", self.url)
            why = f"{type(error).__name__}: {error}: is it running{', and is EDGELOOP_SCHEMA_REGISTRY_URL right' if named else ''}?"
            raise RegistryUnavailableError(f"{self._place}: {why}") from error
        if response.status_code >= 500 or response.status_code in {408, 429}:
            raise RegistryUnavailableError(f"{self._place}: HTTP {response.status_code}: {response.text[:200]}")
        return response

    @property
    def _place(self) -> str:
        url = httpx.URL(self.url)
        return f"schema registry at {url.copy_with(username=None, password=None)}"

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        return self._json(self.sent(method, self.url + path, body))

    def _number(self, found: Any, name: str) -> int:
        number = cast("dict[str, Any]", found).get(name) if isinstance(found, dict) else None
        if not isinstance(number, int):
            raise RegistryUnavailableError(f"{self._place}: expected an answer with a number {name!r}, given {str(found)[:200]}")
        return number

    def _json(self, response: httpx.Response) -> Any:
        try:
            answer = response.json()
        except (ValueError, RecursionError) as error:
            raise RegistryUnavailableError(f"{self._place}: HTTP {response.status_code}, and no JSON: {response.text[:200]}") from error
        if response.is_success:
            return answer
        fault = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        code, message = _code(fault, response.status_code), str(fault.get("message", response.text[:200]))
        if response.status_code == 404 and code in NOT_FOUND:
            raise UnknownSchemaError(f"{self._place}: {code}: {message}")
        raise RegistryRefusedError(code, message, response.status_code)

    def _answer(self, method: str, url: str, body: dict[str, str] | None) -> httpx.Response:
        for _ in range(self._attempts - 1):
            with suppress(httpx.ReadTimeout):
                return self._client.request(method, url, json=body)
        return self._client.request(method, url, json=body)


def _code(fault: dict[str, Any], status: int) -> int:
    given = fault.get("error_code")
    return given if isinstance(given, int) else status


__all__ = [
    "Latest",
    "RegistryRefusedError",
    "RegistryUnavailableError",
    "SchemaRegistry",
    "UnknownSchemaError",
    "WrittenSchema",
]
