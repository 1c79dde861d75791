"""The Open Inference Protocol on this device's models."""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, NoReturn

import grpc
from edgeloop_contracts.rpc import open_inference as m

from edgeloop_inference.adapters.models import Models, Serving
from edgeloop_inference.adapters.outbox import Outbox, OutboxUnavailable
from edgeloop_inference.core.answers import Answer, raw_floats, raw_texts
from edgeloop_inference.core.model_contract import INPUT, LABEL, PROBABILITIES, outputs_of
from edgeloop_inference.core.requests import DATATYPE, InferRequest, InvalidRequest, NotFound, NotReady, Tensor, decode, wanted_outputs
from edgeloop_inference.core.rows import Rows, row_ids
from edgeloop_inference.metrics import Metrics

NAME = "edgeloop-inference"
PLATFORM = "onnxruntime_onnx"
EVENT_TIME = "edgeloop_event_time"
BOOT_EPOCH = "edgeloop_boot_epoch"
SEQ = "edgeloop_seq"
ADAPTER = "edgeloop_adapter"

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
_STATUS: dict[type[Exception], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    NotReady: grpc.StatusCode.UNAVAILABLE,
}


class InferenceServicer:
    """Answers calls of ``inference.GRPCInferenceService``.

    An answered row is in the outbox before its answer leaves. Where the outbox cannot be written the answer leaves
    nevertheless, without ``edgeloop_seq``: the device goes on serving, and the row is counted as lost.

    Parameters
    ----------
    models, outbox, metrics
        Of the device.
    """

    def __init__(self, models: Models, outbox: Outbox, metrics: Metrics) -> None:
        self._models = models
        self._outbox = outbox
        self._metrics = metrics

    def server_live(self, _: m.ServerLiveRequest, __: Any) -> m.ServerLiveResponse:
        """The process answers."""
        return m.ServerLiveResponse(live=True)

    def server_ready(self, _: m.ServerReadyRequest, __: Any) -> m.ServerReadyResponse:
        """At least one model can be asked."""
        return m.ServerReadyResponse(ready=self._models.ready)

    def model_ready(self, request: m.ModelReadyRequest, _: Any) -> m.ModelReadyResponse:
        """The model can be asked; an unknown one is not ready, so that a client may wait for it."""
        try:
            self._models.find(request.name, request.version)
        except (NotFound, NotReady):
            return m.ModelReadyResponse(ready=False)
        return m.ModelReadyResponse(ready=True)

    def server_metadata(self, _: m.ServerMetadataRequest, __: Any) -> m.ServerMetadataResponse:
        """Name and version of this server."""
        return m.ServerMetadataResponse(name=NAME, version=version(NAME), extensions=[])

    def model_metadata(self, request: m.ModelMetadataRequest, context: Any) -> m.ModelMetadataResponse:
        """Inputs, outputs and version of a model."""
        try:
            model = self._models.find(request.name, request.version)
        except (NotFound, NotReady) as error:
            _abort(context, error)
        tensor = m.ModelMetadataResponse.TensorMetadata
        classes = len(model.classes)
        return m.ModelMetadataResponse(
            name=model.stream,
            versions=[str(model.version)],
            platform=PLATFORM,
            inputs=[tensor(name=INPUT, datatype=DATATYPE, shape=[-1, len(model.features)])],
            outputs=[
                tensor(name=name, datatype="BYTES" if name == LABEL else "FP32", shape=[-1, classes] if name == PROBABILITIES else [-1])
                for name in outputs_of(classes)
            ],
        )

    def model_infer(self, request: m.ModelInferRequest, context: Any) -> m.ModelInferResponse:
        """Answer some rows with the model that serves, and keep them."""
        started = time.perf_counter()
        try:
            response = self._infer(request)
        except (InvalidRequest, NotFound, NotReady) as error:
            self._metrics.requests.labels(_STATUS[type(error)].name).inc()
            _abort(context, error)
        self._metrics.answered(time.perf_counter() - started)
        return response

    def _infer(self, request: m.ModelInferRequest) -> m.ModelInferResponse:
        model = self._models.find(request.model_name, request.model_version)
        given = simple(request)
        wanted = wanted_outputs(given, outputs_of(len(model.classes)))
        rows = decode(given, model.features)
        event_time = _event_time(request)
        answer = model.answer(rows)
        count = len(rows)
        times, ids = (event_time,) * count, row_ids(request.id, count)
        kept = Rows(model.stream, model.version, count, rows.tobytes(), times, ids, answer.labels, model.adapter)
        response = respond(request.id, model, answer, wanted, raw=bool(given.raw))
        try:
            response.parameters[SEQ].int64_param = self._outbox.append(kept)
            response.parameters[BOOT_EPOCH].int64_param = self._outbox.epoch
        except OutboxUnavailable as error:
            self._metrics.not_kept(str(error))
        self._metrics.rows.inc(count)
        return response


def simple(request: m.ModelInferRequest) -> InferRequest:
    """A request as the core takes it."""
    return InferRequest(tuple(map(_tensor, request.inputs)), tuple(request.raw_input_contents), tuple(o.name for o in request.outputs))


def respond(request_id: str, model: Serving, answer: Answer, wanted: Iterable[str], *, raw: bool) -> m.ModelInferResponse:
    """Put an answer into the protocol's message; raw where the request was raw."""
    response = m.ModelInferResponse(model_name=model.stream, model_version=str(model.version), id=request_id)
    response.parameters[ADAPTER].int64_param = model.adapter
    for name in wanted:
        if name == LABEL:
            output = response.outputs.add(name=LABEL, datatype="BYTES", shape=[len(answer.labels)])
            if raw:
                response.raw_output_contents.append(raw_texts(answer.labels))
            else:
                output.contents.bytes_contents.extend([label.encode() for label in answer.labels])
        else:
            output = response.outputs.add(name=name, datatype="FP32", shape=answer.values.shape)
            if raw:
                response.raw_output_contents.append(raw_floats(answer.values))
            else:
                output.contents.fp32_contents.extend(answer.values.ravel().tolist())
    return response


def _tensor(given: m.ModelInferRequest.InferInputTensor) -> Tensor:
    shape = tuple(given.shape)
    if not given.HasField("contents"):
        return Tensor(given.name, given.datatype, shape)
    filled = tuple(name for name in _TYPED if len(getattr(given.contents, name)))
    return Tensor(given.name, given.datatype, shape, filled, given.contents.fp32_contents)


def _event_time(request: m.ModelInferRequest) -> int:
    """Time of the rows, milliseconds: the request's parameter, else now."""
    if EVENT_TIME not in request.parameters:
        return time.time_ns() // 1_000_000
    given = request.parameters[EVENT_TIME]
    if given.WhichOneof("parameter_choice") != "int64_param":
        raise InvalidRequest(f"parameter {EVENT_TIME!r}: expected int64_param, given {given.WhichOneof('parameter_choice')}")
    return given.int64_param


def _abort(context: Any, error: Exception) -> NoReturn:
    context.abort(_STATUS[type(error)], str(error))
    raise AssertionError("abort returned")  # it raises; this is for the type checker
