"""Signed statements: the bytes that the trainer, the registry and the adapter service sign, made and parsed here alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, TypeVar, cast

from edgeloop_contracts import ModelAdapter, ModelCandidate
from edgeloop_errors import InvalidError

T = TypeVar("T")
VERSION = "version"
_UNSIGNED = ("signature", "key_id")
_DEFAULTS = ModelCandidate(tenant="default", stream="").as_dict()


class StatementError(InvalidError, ValueError):
    """The bytes are no statement of a version; the message names the field, what was expected and what given."""


@dataclass(frozen=True, slots=True)
class VersionStatement:
    """The registry's statement of a model version: all that a device must know before it loads a byte of the model.

    Invariants, which this module alone keeps:

    1. A statement has one text: canonical JSON with sorted keys, no spaces, UTF-8. Ed25519 is deterministic, so equal statements
       have equal signatures.
    2. ``VersionStatement.parse(statement.encode()) == statement``.
    3. No statement of one role is one of another: candidates and adapters name their ``kind``, and :meth:`parse` refuses a kind
       other than ``version``.
    4. It names the model (tenant, stream, version) and the file (SHA-256 and size), so a signature vouches for no other version and
       for no other bytes. Where the file lies is not signed: bytes at another place have the same digest or are refused.
    5. Fields that a newer registry adds are ignored; a missing field, or one of another type, is refused.

    Whoever calls :meth:`parse` has verified the signature over the same bytes first.

    Attributes
    ----------
    tenant, stream, version
        Which model.
    digest, size
        SHA-256 (hex) and bytes of the ONNX file.
    classes
        Class names in the order of the probabilities; none where the model answers with a number.
    definition_version, features
        Stream definition that it was trained on, and the names of its features in order.
    """

    tenant: str
    stream: str
    version: int
    digest: str
    size: int
    classes: tuple[str, ...]
    definition_version: int
    features: tuple[str, ...]

    @classmethod
    def of(cls, candidate: ModelCandidate, version: int, features: Sequence[str]) -> Self:
        """The statement of a candidate that becomes a version.

        Examples
        --------
        >>> from edgeloop_contracts import ModelFile
        >>> file = ModelFile(digest="ab", size=9)
        >>> candidate = ModelCandidate(tenant="default", stream="pumps", file=file, classes=("no", "yes"), definition_version=1)
        >>> VersionStatement.of(candidate, 3, ["heat"]).encode()
        b'{"classes":["no","yes"],"definition_version":1,"digest":"ab","features":["heat"],"size":9,"stream":"pumps","tenant":"default","version":3}'
        """
        return cls(
            tenant=candidate.tenant,
            stream=candidate.stream,
            version=version,
            digest=candidate.file.digest,
            size=candidate.file.size,
            classes=candidate.classes,
            definition_version=candidate.definition_version,
            features=tuple(features),
        )

    def encode(self) -> bytes:
        """The bytes that are signed."""
        return canonical(asdict(self))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a statement whose signature holds.

        Raises
        ------
        StatementError
            The bytes are no JSON object with these fields.
        """
        values = _object(data)
        if values.get("kind", VERSION) != VERSION:
            raise StatementError(f"kind of the statement: expected {VERSION}, given {values['kind']!r}")
        features = _names(values, "features")
        if not features:
            raise StatementError("features of the statement: expected names, given []")
        return cls(
            tenant=_value(values, "tenant", str),
            stream=_value(values, "stream", str),
            version=_value(values, "version", int),
            digest=_value(values, "digest", str),
            size=_value(values, "size", int),
            classes=_names(values, "classes"),
            definition_version=_value(values, "definition_version", int),
            features=features,
        )


def candidate_statement(candidate: ModelCandidate) -> bytes:
    """The trainer's statement: all fields of a candidate but the signature itself.

    The digest stands for the file, and so for each of its chunks. Fields with their default are left out, also those of nested
    records, so that a field which one of two releases does not know yet changes nothing where it is not used.

    Examples
    --------
    >>> from edgeloop_contracts import ModelFile
    >>> candidate = ModelCandidate(tenant="default", stream="pumps", request_id="c/0", file=ModelFile(digest="ab"), metrics={"mae": 0.5}, signature=b"s")
    >>> candidate_statement(candidate)
    b'{"file":{"digest":"ab"},"kind":"candidate","metrics":{"mae":0.5},"request_id":"c/0","stream":"pumps"}'
    """
    given = {name: value for name, value in candidate.as_dict().items() if name not in _UNSIGNED}
    return canonical({"kind": "candidate", **_without_defaults(given, _DEFAULTS)})


def adapter_statement(adapter: ModelAdapter) -> bytes:
    """The adapter service's statement: which adapter it is, and the digest of all that its answers depend on.

    Examples
    --------
    >>> adapter_statement(ModelAdapter(tenant="default", stream="pumps", number=120, digest="ab"))
    b'{"digest":"ab","kind":"adapter","number":120,"stream":"pumps","tenant":"default"}'
    """
    return canonical(
        {"digest": adapter.digest, "kind": "adapter", "number": adapter.number, "stream": adapter.stream, "tenant": adapter.tenant}
    )


def canonical(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON. Texts come from Avro and may hold lone surrogates, which are written as they are."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _without_defaults(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that differ from their defaults; of a nested record those of its own that do."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in defaults:  # a key of a map
            kept[name] = value
        elif value != defaults[name]:
            nested = isinstance(value, dict) and isinstance(defaults[name], dict)
            kept[name] = _without_defaults(cast("dict[str, Any]", value), defaults[name]) if nested else value
    return kept


def _object(data: bytes) -> dict[str, Any]:
    try:
        given: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StatementError(f"the statement is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise StatementError("the statement is no JSON object")
    return cast("dict[str, Any]", given)


def _value(values: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value: Any = values.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise StatementError(f"{name} of the statement: expected {kind.__name__}, given {value!r}")
    return value


def _names(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = _value(values, name, list)
    if not all(isinstance(one, str) for one in found):
        raise StatementError(f"{name} of the statement: expected names, given {found!r}")
    return tuple(cast("list[str]", found))
