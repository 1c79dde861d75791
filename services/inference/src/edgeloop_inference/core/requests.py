"""What a request must be, and the rows in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeloop_inference.core.model_contract import INPUT

DATATYPE = "FP32"


class InvalidRequest(Exception):
    """The request can never be answered; the message names what was expected and what given."""


class NotFound(Exception):
    """No such model, or not in that version."""


class NotReady(Exception):
    """The model is known and has not arrived yet."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input as it came.

    Attributes
    ----------
    contents
        Names of the typed lists that are not empty.
    fp32
        The typed list of float32.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    contents: tuple[str, ...] = ()
    fp32: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request without its model.

    Attributes
    ----------
    raw
        Raw contents of the inputs; empty where they are typed.
    outputs
        Names of the outputs that are wanted; empty for all.
    """

    inputs: tuple[Tensor, ...]
    raw: tuple[bytes, ...] = ()
    outputs: tuple[str, ...] = field(default=())


def decode(request: InferRequest, features: Sequence[str]) -> NDArray[np.float32]:
    """Give back the rows of a request: float32 [n, F], n at least 1.

    Parameters
    ----------
    features
        Names of the model's features in order.

    Raises
    ------
    InvalidRequest
        Another input, datatype or shape than expected; contents missing, given twice, or of another size.

    Examples
    --------
    >>> decode(InferRequest((Tensor("input", "FP32", (1, 2), ("fp32_contents",), [1.0, 2.0]),)), ["a", "b"])
    array([[1., 2.]], dtype=float32)
    """
    tensor = _input(request)
    count = _rows(tensor, features)
    if not request.raw:
        return _typed(tensor, count, len(features))
    if tensor.contents:
        raise InvalidRequest(f"input {INPUT!r}: expected either raw_input_contents or contents, given both")
    if len(request.raw) != 1:
        raise InvalidRequest(f"raw_input_contents: expected one entry, given {len(request.raw)}")
    size = 4 * count * len(features)
    if len(request.raw[0]) != size:
        raise InvalidRequest(f"raw_input_contents: expected {size} bytes for shape {list(tensor.shape)}, given {len(request.raw[0])}")
    return np.frombuffer(request.raw[0], dtype="<f4").reshape(count, len(features))


def wanted_outputs(request: InferRequest, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the outputs to give back, in the order in which they were asked for; ``outputs`` are those that the model has.

    Raises
    ------
    InvalidRequest
        An output that there is not, or one twice.
    """
    names = request.outputs or outputs
    for name in names:
        if name not in outputs:
            raise InvalidRequest(f"outputs: expected some of {list(outputs)}, given {name!r}")
    if len(set(names)) != len(names):
        raise InvalidRequest(f"outputs: expected each at most once, given {list(names)}")
    return names


def _input(request: InferRequest) -> Tensor:
    names = [tensor.name for tensor in request.inputs]
    if names != [INPUT]:
        raise InvalidRequest(f"inputs: expected [{INPUT!r}], given {names}")
    return request.inputs[0]


def _rows(tensor: Tensor, features: Sequence[str]) -> int:
    if tensor.datatype != DATATYPE:
        raise InvalidRequest(f"input {INPUT!r}: expected datatype {DATATYPE}, given {tensor.datatype!r}")
    if len(tensor.shape) != 2 or tensor.shape[1] != len(features) or tensor.shape[0] < 1:
        raise InvalidRequest(f"input {INPUT!r}: expected shape [n, {len(features)}] with n at least 1, given {list(tensor.shape)}")
    return tensor.shape[0]


def _typed(tensor: Tensor, count: int, width: int) -> NDArray[np.float32]:
    if tensor.contents not in ((), ("fp32_contents",)):
        raise InvalidRequest(f"input {INPUT!r}: expected fp32_contents, given {list(tensor.contents)}")
    if len(tensor.fp32) != count * width:
        raise InvalidRequest(f"input {INPUT!r}: expected {count * width} values for shape {list(tensor.shape)}, given {len(tensor.fp32)}")
    return np.array(tensor.fp32, dtype=np.float32).reshape(count, width)
