"""The inputs and outputs that a model must have, as onnxruntime reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INPUT = "input"
LABEL = "label"
PROBABILITIES = "probabilities"
PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output: name, onnxruntime's type text, and shape; a length that may vary is no number."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]


def port(described: Sequence[Any]) -> Port:
    """Make a port from the list ``[name, type, shape]``."""
    name, kind, shape = described
    return Port(str(name), str(kind), tuple(shape))


def outputs_of(classes: int) -> tuple[str, ...]:
    """Outputs of a model with so many classes; one without any answers with a number.

    >>> outputs_of(2), outputs_of(0)
    (('label', 'probabilities'), ('prediction',))
    """
    return (LABEL, PROBABILITIES) if classes else (PREDICTION,)


def problem(inputs: Sequence[Port], outputs: Sequence[Port], features: int, classes: int) -> str:
    """Say what keeps a model from serving a stream of so many features and classes; ``""`` if nothing does.

    Input: ``input`` float32 [N, F]. Outputs: ``label`` int64 [N] and ``probabilities`` float32 [N, C]; without classes, ``prediction``
    float32 [N].
    """
    if [p.name for p in inputs] != [INPUT]:
        return f"expected one input {INPUT!r}, given {[p.name for p in inputs]}"
    by_name = {p.name: p for p in outputs}
    names = outputs_of(classes)
    if set(by_name) != set(names):
        return f"expected the output{'s' if classes else ''} {' and '.join(map(repr, names))}, given {sorted(by_name)}"
    if why := _mismatch(inputs[0], "tensor(float)", (None, features)):
        return why
    if not classes:
        return _mismatch(by_name[PREDICTION], "tensor(float)", (None,))
    return _mismatch(by_name[LABEL], "tensor(int64)", (None,)) or _mismatch(by_name[PROBABILITIES], "tensor(float)", (None, classes))


def _mismatch(given: Port, kind: str, shape: tuple[int | None, ...]) -> str:
    if given.type != kind:
        return f"{given.name}: expected {kind}, given {given.type}"
    # A length that the graph leaves open is settled by the load check.
    fixed = [length if isinstance(length, int) else None for length in given.shape]
    fits = len(fixed) == len(shape) and all(want is None or have in (None, want) for have, want in zip(fixed, shape, strict=True))
    if not fits or (fixed and fixed[0] is not None):
        return f"{given.name}: expected the shape {_text(shape)}, given {_text(given.shape)}"
    return ""


def _text(shape: Sequence[int | str | None]) -> str:
    return "[" + ", ".join("N" if length is None else str(length) for length in shape) + "]"
