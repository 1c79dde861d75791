"""The Open Inference Protocol on this device's models."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NoReturn

import grpc
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.rpc import open_inference as m
from edgeloop_errors import InvalidError

from edgeloop_inference.core.answers import Answer, check_size
from edgeloop_inference.core.model_contract import outputs_of
from edgeloop_inference.core.requests import InvalidRequestError, ModelNotFoundError, ModelNotReadyError, count_rows, decode, wanted_outputs
from edgeloop_inference.core.row_admission import RowAdmission
from edgeloop_inference.core.rows import row_ids
from edgeloop_inference.core.sampler import Sampler
from edgeloop_inference.core.stream_activity import StreamActivity
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.long_requests import BusyError, LongRequests, RequestCancelledError
from edgeloop_inference.io.models import Models, Serving
from edgeloop_inference.io.outbox import Outbox, OutboxUnavailableError
from edgeloop_inference.io.protocol_messages import configuration, event_time, metadata, respond, simple
from edgeloop_inference.metrics import Metrics

NAME = "edgeloop-inference"
EXTENSIONS = ("classification", "model_configuration")
BOOT_EPOCH = "edgeloop_boot_epoch"
SEQ = "edgeloop_seq"
STATUS_TEXT = 2_000  # clients accept 8 kB of status and metadata; a non-ASCII character takes up to 12 bytes


class ModelFailedError(InvalidError):
    """The model raised an error, and the rows have no answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request.

    Attributes
    ----------
    rows
        Most rows.
    message_bytes
        Of an answer.
    long_requests
        Requests of many rows that are at work or wait.
    """

    rows: int
    message_bytes: int
    long_requests: int


_STATUS: dict[type[Exception], grpc.StatusCode] = {
    InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    ModelNotFoundError: grpc.StatusCode.NOT_FOUND,
    ModelNotReadyError: grpc.StatusCode.UNAVAILABLE,
    BusyError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    RequestCancelledError: grpc.StatusCode.CANCELLED,
    ModelFailedError: grpc.StatusCode.INTERNAL,
}
# Of streams that are known; a client's own fault says nothing of the device.
_OWN_FAULTS = (ModelNotReadyError, BusyError, ModelFailedError)


class InferenceServicer:
    """Answers calls of ``inference.GRPCInferenceService``.

    An answered row is in the outbox before its answer leaves. If the outbox cannot be written, the device goes on: the answer leaves
    without ``edgeloop_seq``, and the row counts as lost. A request is checked as a whole before any work. Nothing of a failed request is
    kept.

    Parameters
    ----------
    models, definitions, outbox, metrics
        Of the device.
    limits
        Of a request.
    activity
        Counts requests by stream.
    sampler
        Chooses the rows that are reported. The answer for others is without ``edgeloop_seq``, too.
    """

    def __init__(
        self,
        models: Models,
        definitions: Definitions,
        outbox: Outbox,
        metrics: Metrics,
        limits: Limits,
        activity: StreamActivity,
        sampler: Sampler,
    ) -> None:
        self._models = models
        self._definitions = definitions
        self._outbox = outbox
        self._metrics = metrics
        self._limits = limits
        self._activity = activity
        self._sampler = sampler
        self._long = LongRequests(limits.long_requests)

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
        except (ModelNotFoundError, ModelNotReadyError):
            return m.ModelReadyResponse(ready=False)
        return m.ModelReadyResponse(ready=True)

    def server_metadata(self, _: m.ServerMetadataRequest, __: Any) -> m.ServerMetadataResponse:
        """Name, version and extensions of this server."""
        return m.ServerMetadataResponse(name=NAME, version=version(NAME), extensions=EXTENSIONS)

    def model_metadata(self, request: m.ModelMetadataRequest, context: Any) -> m.ModelMetadataResponse:
        """Inputs, outputs and version of a model."""
        return metadata(self._found(request.name, request.version, context))

    def model_config(self, request: m.ModelConfigRequest, context: Any) -> m.ModelConfigResponse:
        """Metadata of a model."""
        return m.ModelConfigResponse(config=configuration(self._found(request.name, request.version, context), self._limits.rows))

    def model_infer(self, request: m.ModelInferRequest, context: Any) -> m.ModelInferResponse:
        """Answer some rows with the model that serves, and keep them."""
        started = time.perf_counter()
        try:
            response, count = self._infer(request, context)
        except (InvalidRequestError, ModelNotFoundError, ModelNotReadyError, BusyError, RequestCancelledError, ModelFailedError) as error:
            self._metrics.requests.labels(_STATUS[type(error)].name).inc()
            if isinstance(error, _OWN_FAULTS):
                self._activity.failed(request.model_name)
            _abort(context, error)
        seconds = time.perf_counter() - started
        self._metrics.answered(seconds)
        self._activity.answered(request.model_name, count, seconds)
        return response

    def _infer(self, request: m.ModelInferRequest, context: Any) -> tuple[m.ModelInferResponse, int]:
        model = self._models.find(request.model_name, request.model_version)
        outputs = outputs_of(len(model.classes))
        given = simple(request, len(outputs))
        count = count_rows(given, model.features, self._limits.rows)
        admission = self._admission(model)
        wanted = wanted_outputs(given, outputs, len(model.classes))
        check_size(count, wanted, model.columns, request.id, self._limits.message_bytes)
        when, ids = event_time(request), row_ids(request.id, count)
        rows = admission.admit(decode(given, model.features), ids, when)
        answer = self._answer(model, rows, context)
        kept = ObservationBatch(
            tenant="default",
            device_id="",
            boot_epoch=0,
            first_seq=-1,
            stream=model.stream,
            count=count,
            features=rows.tobytes(),
            event_times=(when,) * count,
            request_ids=ids,
            model_version=model.version,
            answers=answer.labels,
            adapter=model.adapter,
            answers_alone=answer.alone,
        )
        response = respond(request.id, model, answer, wanted, raw=bool(given.raw))
        if not context.is_active():
            raise RequestCancelledError
        self._metrics.rows.inc(count)
        if not self._sampler.keeps(model.stream, ids):
            self._metrics.unreported.inc(count)
            return response, count
        try:
            response.parameters[SEQ].int64_param = self._outbox.append(kept)
            response.parameters[BOOT_EPOCH].int64_param = self._outbox.epoch
        except OutboxUnavailableError as error:
            self._metrics.not_kept(str(error))
        return response, count

    def _admission(self, model: Serving) -> RowAdmission:
        admission = self._definitions.admission(model.stream)
        if admission is None or admission.width != len(model.features):
            raise ModelNotReadyError(f"model {model.stream!r}: the definition of its stream has not come yet")
        return admission

    def _answer(self, model: Serving, rows: Any, context: Any) -> Answer:
        try:
            return self._long.answer(model, rows, context.is_active)
        except (BusyError, RequestCancelledError):
            raise
        except Exception as error:  # onnxruntime raises what it likes
            raise ModelFailedError(f"model {model.stream!r}, version {model.version}: {type(error).__name__}") from error

    def _found(self, name: str, number: str, context: Any) -> Serving:
        try:
            return self._models.find(name, number)
        except (ModelNotFoundError, ModelNotReadyError) as error:
            _abort(context, error)


def _abort(context: Any, error: Exception) -> NoReturn:
    text = str(error) or type(error).__name__
    most = STATUS_TEXT if text.isascii() else STATUS_TEXT // 4
    context.abort(_STATUS[type(error)], text if len(text) <= most else f"{text[:most]}...")
    raise AssertionError("abort returned")  # it raises; this is for the type checker
