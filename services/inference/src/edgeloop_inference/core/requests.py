"""Checks of a request, and the rows in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from edgeloop_errors import InvalidError, RetryableError
from numpy.typing import NDArray

from edgeloop_inference.core.model_contract import INPUT, LABEL

DATATYPE = "FP32"
EVENT_TIME = "edgeloop_event_time"
EMPTY_FINAL = "triton_enable_empty_final_response"  # perf_analyzer sends it; an answer that is one message has no empty end
CLASSIFICATION = "classification"
SHOWN = 200

_UNSUPPORTED = {
    **dict.fromkeys(("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size"), "the data travels in the message"),
    **dict.fromkeys(("sequence_id", "sequence_start", "sequence_end"), "every request stands alone"),
    "priority": "requests are answered as they come",
    "timeout": "set a deadline for the call instead",
}


class InvalidRequestError(InvalidError):
    """The request can never be answered; the message names what was expected and what given."""


class ModelNotFoundError(InvalidError):
    """No such model, or not in that version."""


class ModelNotReadyError(RetryableError):
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
class Wanted:
    """One output that is asked for.

    Attributes
    ----------
    best
        So many best classes are wanted, as texts; 0 for the output as it is.
    """

    name: str
    best: int = 0


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request without its model.

    Attributes
    ----------
    raw
        Raw contents of the inputs; empty where they are typed.
    outputs
        Outputs that are wanted; empty for all.
    """

    inputs: tuple[Tensor, ...]
    raw: tuple[bytes, ...] = ()
    outputs: tuple[Wanted, ...] = field(default=())


def shown(value: object) -> str:
    """A value from outside as an error tells it: cut, since an answer's status has little room.

    >>> shown("a" * 300)[-11:]
    "aaa'… (300)"
    """
    text = repr(value[:SHOWN] if isinstance(value, str) else value)
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{text}… ({len(value)})"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def check_parameters(where: str, given: Iterable[str], known: Sequence[str] = ()) -> None:
    """Refuse a parameter that would be ignored: who sends it expects something of it.

    Raises
    ------
    InvalidRequestError
        A parameter is unknown; the message names it.
    """
    for name in given:
        if name in known:
            continue
        if name in _UNSUPPORTED:
            raise InvalidRequestError(f"{where}: the parameter {name!r} is not supported: {_UNSUPPORTED[name]}")
        raise InvalidRequestError(f"{where}: expected no parameters{f' but {list(known)}' if known else ''}, given {shown(name)}")


def count_rows(request: InferRequest, features: Sequence[str], most: int) -> int:
    """Stated number of rows of a request, before anything is read.

    Parameters
    ----------
    features
        Names of the model's features in order.
    most
        Rows that one request may have.

    Raises
    ------
    InvalidRequestError
        Another input, datatype or shape than expected, or too many rows.
    """
    tensor = _input(request)
    if tensor.datatype != DATATYPE:
        raise InvalidRequestError(f"input {INPUT!r}: expected datatype {DATATYPE}, given {shown(tensor.datatype)}")
    if len(tensor.shape) != 2 or tensor.shape[1] != len(features) or tensor.shape[0] < 1:
        raise InvalidRequestError(
            f"input {INPUT!r}: expected shape [n, {len(features)}] with n at least 1, given {shown(list(tensor.shape))}"
        )
    if tensor.shape[0] > most:
        raise InvalidRequestError(
            f"input {INPUT!r}: expected at most {most} rows a request, given {tensor.shape[0]}: send them in several requests, "
            "or raise EDGELOOP_INFERENCE_REQUEST_MAX_ROWS of the device"
        )
    return tensor.shape[0]


def decode(request: InferRequest, features: Sequence[str]) -> NDArray[np.float32]:
    """Give back the rows of a request whose rows were counted: float32 [n, F].

    Raises
    ------
    InvalidRequestError
        Contents missing, given twice, or of another size.

    Examples
    --------
    >>> decode(InferRequest((Tensor("input", "FP32", (1, 2), ("fp32_contents",), [1.0, 2.0]),)), ["a", "b"])
    array([[1., 2.]], dtype=float32)
    """
    tensor = _input(request)
    count = tensor.shape[0]
    if not request.raw:
        return _typed(tensor, count, len(features))
    if tensor.contents:
        raise InvalidRequestError(f"input {INPUT!r}: expected either raw_input_contents or contents, given both")
    size = 4 * count * len(features)
    if len(request.raw[0]) != size:
        raise InvalidRequestError(f"raw_input_contents: expected {size} bytes for shape {list(tensor.shape)}, given {len(request.raw[0])}")
    return np.frombuffer(request.raw[0], dtype="<f4").reshape(count, len(features))


def wanted_outputs(request: InferRequest, outputs: tuple[str, ...], classes: int) -> tuple[Wanted, ...]:
    """Requested outputs, in the order of the request.

    Parameters
    ----------
    outputs
        Names of the model's outputs.
    classes
        Number of its classes.

    Raises
    ------
    InvalidRequestError
        An unknown or repeated output, or best classes of an output without classes.
    """
    wanted = request.outputs
    if not wanted:
        return _all(outputs)
    for output in wanted:
        if output.name not in outputs:
            raise InvalidRequestError(f"outputs: expected some of {list(outputs)}, given {shown(output.name)}")
        if output.best and (output.name == LABEL or not classes):
            raise InvalidRequestError(f"output {output.name!r}: {CLASSIFICATION!r} is for 'probabilities', as it asks for its best columns")
    names = [output.name for output in wanted]
    if len(set(names)) != len(names):
        raise InvalidRequestError(f"outputs: expected each at most once, given {names}")
    return wanted


@cache
def _all(outputs: tuple[str, ...]) -> tuple[Wanted, ...]:
    return tuple(Wanted(name) for name in outputs)


def _input(request: InferRequest) -> Tensor:
    names = [tensor.name for tensor in request.inputs]
    if names != [INPUT]:
        raise InvalidRequestError(f"inputs: expected [{INPUT!r}], given {shown(names)}")
    return request.inputs[0]


def _typed(tensor: Tensor, count: int, width: int) -> NDArray[np.float32]:
    if tensor.contents not in ((), ("fp32_contents",)):
        raise InvalidRequestError(f"input {INPUT!r}: expected fp32_contents, given {list(tensor.contents)}")
    if len(tensor.fp32) != count * width:
        raise InvalidRequestError(
            f"input {INPUT!r}: expected {count * width} values for shape {list(tensor.shape)}, given {len(tensor.fp32)}"
        )
    return np.array(tensor.fp32, dtype=np.float32).reshape(count, width)
