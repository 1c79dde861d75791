"""The protocol's messages as the core takes them, and answers as messages."""

from __future__ import annotations

import time
from collections.abc import Iterable

from edgeloop_contracts.rpc import open_inference as m

from edgeloop_inference.core.answers import Answer, best_classes, raw_floats, raw_texts
from edgeloop_inference.core.model_contract import INPUT, LABEL, PROBABILITIES, outputs_of
from edgeloop_inference.core.requests import (
    CLASSIFICATION,
    DATATYPE,
    EMPTY_FINAL,
    EVENT_TIME,
    InferRequest,
    InvalidRequestError,
    Tensor,
    Wanted,
    check_parameters,
)
from edgeloop_inference.io.models import Serving

PLATFORM = "onnxruntime_onnx"
BACKEND = "onnxruntime"
ADAPTER = "edgeloop_adapter"
CLASSES = "classes"

_TYPED = (
    "bool_contents",
    "int_contents",
    "int64_contents",
    "uint_contents",
    "uint64_contents",
    "fp32_contents",
    "fp64_contents",
    "bytes_contents",
)
_DIMENSIONS = 8
_LONGEST = 2**31 - 1


def simple(request: m.ModelInferRequest, outputs: int) -> InferRequest:
    """A request as the core takes it. Lists are counted before they are read, since a small message can hold very many entries.

    Parameters
    ----------
    outputs
        How many outputs the model has.

    Raises
    ------
    InvalidRequestError
        More entries than any request has, or a parameter that would be ignored.
    """
    if len(request.inputs) > 1 or len(request.raw_input_contents) > 1 or len(request.outputs) > outputs:
        raise _too_many(request, outputs)
    if request.parameters:
        check_parameters("the request", request.parameters, (EVENT_TIME, EMPTY_FINAL))
    return InferRequest(tuple(map(_tensor, request.inputs)), tuple(request.raw_input_contents), tuple(map(_wanted, request.outputs)))


def event_time(request: m.ModelInferRequest) -> int:
    """Time of the rows, milliseconds: the request's parameter, else now."""
    if EVENT_TIME not in request.parameters:
        return time.time_ns() // 1_000_000
    return _integer(f"parameter {EVENT_TIME!r}", request.parameters[EVENT_TIME])


def respond(request_id: str, model: Serving, answer: Answer, wanted: Iterable[Wanted], *, raw: bool) -> m.ModelInferResponse:
    """Put an answer into the protocol's message; raw where the request was raw."""
    response = m.ModelInferResponse(model_name=model.stream, model_version=str(model.version), id=request_id)
    response.parameters[ADAPTER].int64_param = model.adapter
    for each in wanted:
        if each.name == LABEL or each.best:
            _texts(response, each, answer, model.classes, raw=raw)
            continue
        output = response.outputs.add(name=each.name, datatype=DATATYPE, shape=answer.values.shape)
        if each.name == PROBABILITIES and model.columns.in_answer:
            output.parameters[CLASSES].string_param = model.columns.in_answer
        if raw:
            response.raw_output_contents.append(raw_floats(answer.values))
        else:
            output.contents.fp32_contents.extend(answer.values.ravel().tolist())
    return response


def metadata(model: Serving) -> m.ModelMetadataResponse:
    """Inputs, outputs and version of a model; the columns of its probabilities carry their classes."""
    tensor = m.ModelMetadataResponse.TensorMetadata
    classes = len(model.classes)
    response = m.ModelMetadataResponse(
        name=model.stream,
        versions=[str(model.version)],
        platform=PLATFORM,
        inputs=[tensor(name=INPUT, datatype=DATATYPE, shape=[-1, len(model.features)])],
        outputs=[
            tensor(name=name, datatype="BYTES" if name == LABEL else DATATYPE, shape=[-1, classes] if name == PROBABILITIES else [-1])
            for name in outputs_of(classes)
        ],
    )
    for output in response.outputs:
        if output.name == PROBABILITIES:
            output.parameters[CLASSES].string_param = model.columns.text
    return response


def configuration(model: Serving, most_rows: int) -> m.ModelConfig:
    """Triton's model configuration of a model: shapes are without the rows, of which there may be ``most_rows``."""
    classes = len(model.classes)
    config = m.ModelConfig(name=model.stream, platform=PLATFORM, backend=BACKEND, max_batch_size=min(most_rows, _LONGEST))
    config.input.add(name=INPUT, data_type=m.DataType.TYPE_FP32, dims=[len(model.features)])
    for name in outputs_of(classes):
        if name == PROBABILITIES:
            config.output.add(name=name, data_type=m.DataType.TYPE_FP32, dims=[classes])
        else:
            kind = m.DataType.TYPE_STRING if name == LABEL else m.DataType.TYPE_FP32
            config.output.add(name=name, data_type=kind, dims=[1], reshape=m.ModelTensorReshape())
    if classes:
        config.parameters[CLASSES].string_value = model.columns.text
    return config


def _too_many(request: m.ModelInferRequest, outputs: int) -> InvalidRequestError:
    given = (("inputs", 1, request.inputs), ("raw_input_contents", 1, request.raw_input_contents), ("outputs", outputs, request.outputs))
    name, most, count = next((name, most, len(entries)) for name, most, entries in given if len(entries) > most)
    return InvalidRequestError(f"{name}: expected {'one entry' if most == 1 else f'at most {most} entries'}, given {count}")


def _tensor(given: m.ModelInferRequest.InferInputTensor) -> Tensor:
    if given.parameters:
        check_parameters(f"input {INPUT!r}", given.parameters)
    if len(given.shape) > _DIMENSIONS:
        raise InvalidRequestError(f"input {INPUT!r}: expected 2 dimensions, given {len(given.shape)}")
    shape = tuple(given.shape)
    if not given.HasField("contents"):
        return Tensor(given.name, given.datatype, shape)
    filled = tuple(name for name in _TYPED if len(getattr(given.contents, name)))
    return Tensor(given.name, given.datatype, shape, filled, given.contents.fp32_contents)


def _wanted(given: m.ModelInferRequest.InferRequestedOutputTensor) -> Wanted:
    if not given.parameters:
        return Wanted(given.name)
    check_parameters(f"output {given.name[:40]!r}", given.parameters, (CLASSIFICATION,))
    best = _integer(f"parameter {CLASSIFICATION!r}", given.parameters[CLASSIFICATION])
    if best < 1:
        raise InvalidRequestError(f"parameter {CLASSIFICATION!r}: expected 1 or more, given {best}")
    return Wanted(given.name, best)


def _integer(name: str, given: m.InferParameter) -> int:
    kind = given.WhichOneof("parameter_choice")
    if kind != "int64_param":
        raise InvalidRequestError(f"{name}: expected int64_param, given {kind}")
    return given.int64_param


def _texts(response: m.ModelInferResponse, wanted: Wanted, answer: Answer, classes: tuple[str, ...], *, raw: bool) -> None:
    """Add an output of texts: the labels, or the best classes of the probabilities."""
    texts, shape = answer.labels, [len(answer.labels)]
    if wanted.best:
        best = best_classes(answer.values, classes, wanted.best)
        texts, shape = tuple([text for row in best for text in row]), [len(best), len(best[0])]
    output = response.outputs.add(name=wanted.name, datatype="BYTES", shape=shape)
    if raw:
        response.raw_output_contents.append(raw_texts(texts))
    else:
        output.contents.bytes_contents.extend([text.encode() for text in texts])
