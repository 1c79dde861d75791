"""A schema registry that speaks Confluent's HTTP interface (Confluent's own, Apicurio's ``/apis/ccompat/v7``, Karapace)."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote

import httpx

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
SCHEMA_NOT_FOUND = 40403
NOT_FOUND = frozenset({40401, 40402, SCHEMA_NOT_FOUND})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class RegistryError(Exception):
    """The registry did not do what it was asked."""


class UnknownSchema(RegistryError):
    """The registry itself says that it holds no such schema; asking again will not help."""


class RegistryUnavailable(RegistryError):
    """No answer that can be relied on: no connection, a time-out, or trouble on the server's side. Ask again later."""


class RegistryRefused(RegistryError):
    """The registry answered no.

    Attributes
    ----------
    code
        Its error code, such as 409 for an incompatible schema, or the HTTP status where it gave none.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"schema registry: {code}: {message}")
        self.code = code


class SchemaRegistry:
    """Client of one registry. Safe to share between threads.

    Parameters
    ----------
    url
        Address, with the path under which the interface is found; may hold ``user:password@``.
    timeout
        Seconds to wait for a connection or an answer.
    attempts
        How often a request is made that is not answered in time; all requests may be repeated. A loop makes them once, and goes
        on with other work instead.
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
        RegistryRefused
            It is incompatible with what the subject holds (code 409), or no schema (code 42201).
        RegistryUnavailable
            No answer.
        """
        return int(self._call("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema})["id"])

    def lookup(self, subject: str, schema: str) -> int:
        """Id of ``schema`` (JSON) in ``subject``.

        Raises
        ------
        UnknownSchema
            The subject does not exist, or does not hold it.
        RegistryUnavailable
            No answer.
        """
        return int(self._call("POST", f"/subjects/{quote(subject, safe='')}", {"schema": schema})["id"])

    def schema(self, schema_id: int) -> str:
        """Schema (JSON) with that id.

        Raises
        ------
        UnknownSchema
            The registry says that there is none.
        RegistryUnavailable
            Anything else that is no schema: what a record holds must not be judged by a registry that is ill, or by an
            address under which no registry is found.
        """
        try:
            return str(self._call("GET", f"/schemas/ids/{schema_id}")["schema"])
        except RegistryRefused as error:
            raise RegistryUnavailable(f"{self._place}: asked for schema {schema_id}: {error}") from error

    def set_compatibility(self, subject: str, level: str) -> None:
        """Say which changes ``subject`` allows from now on, such as ``FULL_TRANSITIVE``.

        Raises
        ------
        UnknownSchema
            The registry knows no such subject, and wants one first.
        RegistryUnavailable
            No answer.
        """
        self._call("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    def compatibility(self, subject: str) -> str | None:
        """Level that was set for ``subject``; ``None`` where none was."""
        try:
            found = self._call("GET", f"/config/{quote(subject, safe='')}")
        except UnknownSchema:
            return None
        level = found.get("compatibilityLevel", found.get("compatibility"))
        return None if level is None else str(level)

    def subjects(self) -> list[str]:
        """Names of all subjects, sorted."""
        return sorted(str(name) for name in self._call("GET", "/subjects"))

    @property
    def _place(self) -> str:
        url = httpx.URL(self.url)
        return f"schema registry at {url.copy_with(username=None, password=None)}"

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        try:
            response = self._answer(method, path, body)
        except httpx.HTTPError as error:
            why = f"{type(error).__name__}: {error}: is it running, and is EDGELOOP_SCHEMA_REGISTRY_URL right?"
            raise RegistryUnavailable(f"{self._place}: {why}") from error
        if response.status_code >= 500 or response.status_code in {408, 429}:
            raise RegistryUnavailable(f"{self._place}: HTTP {response.status_code}: {response.text[:200]}")
        try:
            answer = response.json()
        except ValueError as error:
            raise RegistryUnavailable(f"{self._place}: HTTP {response.status_code}, and no JSON: {response.text[:200]}") from error
        if response.is_success:
            return answer
        fault = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        code, message = int(fault.get("error_code", response.status_code)), str(fault.get("message", response.text[:200]))
        if response.status_code == 404 and code in NOT_FOUND:
            raise UnknownSchema(f"{self._place}: {code}: {message}")
        raise RegistryRefused(code, message)

    def _answer(self, method: str, path: str, body: dict[str, str] | None) -> httpx.Response:
        for _ in range(self._attempts - 1):
            with suppress(httpx.ReadTimeout):
                return self._client.request(method, self.url + path, json=body)
        return self._client.request(method, self.url + path, json=body)
