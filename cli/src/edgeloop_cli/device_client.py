"""Client of one device: Open Inference Protocol, one row in each request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from edgeloop_contracts.rpc import open_inference as messages
from edgeloop_contracts.rpc.open_inference_service import Stub
from numpy.typing import NDArray

from edgeloop_cli.errors import FailedError

DEADLINE_S = 5.0
PATIENCE_S = 30.0
EVENT_TIME = "edgeloop_event_time"
CLASS, NUMBER = "label", "prediction"
# What passes by itself: the process is being started again, or its queue is full.
_PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED})


@dataclass(frozen=True, slots=True)
class Answer:
    """A device's answer to one row.

    Attributes
    ----------
    label
        Predicted class, or number as text.
    version
        Model version that answered.
    epoch, seq
        Name of the row on that device; ``seq`` is -1 where the device could not keep it.
    """

    label: str
    version: int
    epoch: int
    seq: int


class DeviceClient:
    """One device.

    Parameters
    ----------
    name
        Its device id; empty where only its address is known.
    target
        ``host:port`` of its gRPC server.
    model
        Name of the model, which is the stream's.
    numbers
        Whether it answers with numbers.
    """

    def __init__(self, name: str, target: str, model: str, *, numbers: bool = False) -> None:
        self.name = name
        self._output = NUMBER if numbers else CLASS
        self.target = target
        self._model = model
        self._channel = grpc.insecure_channel(target, options=[("grpc.keepalive_time_ms", 60_000)])
        self._stub = Stub(self._channel)

    def version(self) -> int:
        """Version that it serves; 0 if it has none yet, or does not answer."""
        try:
            ready = self._stub.model_ready(messages.ModelReadyRequest(name=self._model), timeout=DEADLINE_S)
            if not ready.ready:
                return 0
            told = self._stub.model_metadata(messages.ModelMetadataRequest(name=self._model), timeout=DEADLINE_S)
            return max((int(version) for version in told.versions), default=0)
        except grpc.RpcError:
            return 0

    def ask(self, row: NDArray[np.float32], request_id: str = "", event_time: int | None = None) -> Answer:
        """Answer of one row, asked again while the device is away for a moment.

        Parameters
        ----------
        event_time
            Milliseconds since 1970; ``None`` for now.

        Raises
        ------
        FailedError
            It refuses, or stays away.
        """
        request = self._request(row, request_id, event_time)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return answer_in(self._stub.model_infer(request, timeout=DEADLINE_S))
            except grpc.RpcError as error:
                if error.code() not in _PASSING or time.monotonic() > deadline:
                    raise FailedError(
                        f"device {self.name or self.target} does not answer: {error.code().name}: {error.details()}"
                    ) from None
                time.sleep(0.1)

    def ask_later(
        self, row: NDArray[np.float32], done: Callable[[Answer | None], None], request_id: str = "", event_time: int | None = None
    ) -> None:
        """Ask without waiting; ``done`` is called in another thread, with ``None`` if there is no answer."""
        call: Any = self._stub.model_infer.future(self._request(row, request_id, event_time), timeout=DEADLINE_S)

        def finished(ended: Any) -> None:
            try:
                done(answer_in(ended.result()))
            except (grpc.RpcError, grpc.FutureCancelledError):
                done(None)

        call.add_done_callback(finished)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _request(self, row: NDArray[np.float32], request_id: str, event_time: int | None) -> messages.ModelInferRequest:
        tensor = messages.ModelInferRequest.InferInputTensor(name="input", datatype="FP32", shape=[1, len(row)])
        wanted = messages.ModelInferRequest.InferRequestedOutputTensor(name=self._output)
        parameters = {} if event_time is None else {EVENT_TIME: messages.InferParameter(int64_param=event_time)}
        return messages.ModelInferRequest(
            model_name=self._model,
            id=request_id,
            parameters=parameters,
            inputs=[tensor],
            outputs=[wanted],
            raw_input_contents=[row.tobytes()],
        )


def answer_in(response: messages.ModelInferResponse) -> Answer:
    """The answer in a response with the one output ``label``, or ``prediction``."""
    raw = response.raw_output_contents[0]
    kept = "edgeloop_seq" in response.parameters
    number = response.outputs[0].name == NUMBER
    return Answer(
        str(np.frombuffer(raw, "<f4")[0]) if number else raw[4 : 4 + int.from_bytes(raw[:4], "little")].decode(),
        int(response.model_version or 0),
        response.parameters["edgeloop_boot_epoch"].int64_param if kept else 0,
        response.parameters["edgeloop_seq"].int64_param if kept else -1,
    )
