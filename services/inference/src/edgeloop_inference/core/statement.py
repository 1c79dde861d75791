"""What the registry says, and signs, about a model version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from edgeloop_errors import InvalidError


class StatementError(InvalidError, ValueError):
    """The bytes are no statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a device must know before it loads a model.

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


_TYPES: dict[str, type] = {
    "tenant": str,
    "stream": str,
    "version": int,
    "digest": str,
    "size": int,
    "classes": list,
    "definition_version": int,
    "features": list,
}


def parse(data: bytes) -> Statement:
    """Read a statement; fields that a newer registry added are ignored.

    Raises
    ------
    StatementError
        The bytes are no JSON object with these fields; the message names the field, what was expected and what given.
    """
    try:
        given: Any = json.loads(data)
    except ValueError as error:
        raise StatementError(f"the statement is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise StatementError("the statement is no JSON object")
    values = cast("dict[str, Any]", given)
    fields: dict[str, Any] = {}
    for name, kind in _TYPES.items():
        value: Any = values.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise StatementError(f"{name} of the statement: expected {kind.__name__}, given {value!r}")
        fields[name] = _names(name, cast("list[Any]", value)) if kind is list else value
    if not fields["features"]:
        raise StatementError("features of the statement: expected names, given []")
    return Statement(**fields)


def _names(field: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise StatementError(f"{field} of the statement: expected names, given {values!r}")
    return tuple(values)
