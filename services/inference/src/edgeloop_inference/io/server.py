"""The gRPC server: inference, health and reflection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from edgeloop_contracts.rpc import open_inference_service
from edgeloop_errors import FatalError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from edgeloop_inference.io.call_limits import CallLimits
from edgeloop_inference.io.reflection import add_reflection

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
WAIT_S = 60.0  # for a whole message; 4 MiB at 100 kB/s take 42
CALLS = 16  # calls per worker: the others wait for their messages or for a worker


class AddressTakenError(FatalError):
    """The address cannot be listened on."""


class Server:
    """A synchronous gRPC server on a pool of threads.

    With one row per request it serves as many requests per second as ``grpc.aio`` and takes less processor time for each. An answer waits
    for the disk: a thread waits in one lock, and a coroutine would need a thread besides.

    Parameters
    ----------
    servicer
        Answers inference.
    host, port
        Where to listen; port 0 takes a free one, see :attr:`port`.
    workers
        Requests that are worked on at once.
    max_message_bytes
        Largest message in and out.
    wait_s
        Seconds within which a whole message must arrive.

    Raises
    ------
    AddressTakenError
        Another process listens there.
    """

    def __init__(
        self,
        servicer: open_inference_service.Servicer,
        host: str,
        port: int,
        *,
        workers: int,
        max_message_bytes: int,
        wait_s: float = WAIT_S,
    ) -> None:
        options = [
            # Without this, two servers on one port would take turns, and nobody would notice.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", max_message_bytes),
            # By default a client may ping every 5 minutes, and is cut off otherwise (grpc/grpc#33661).
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            # One connection cannot take all calls; more wait at the client.
            ("grpc.max_concurrent_streams", max(1, CALLS * workers // 4)),
        ]
        self._call_limits = CallLimits(wait_s, workers)
        self._server = grpc.server(
            ThreadPoolExecutor(CALLS * workers, thread_name_prefix="grpc"),
            interceptors=[self._call_limits],
            options=options,
            maximum_concurrent_rpcs=CALLS * workers,
        )
        open_inference_service.add_to_server(servicer, self._server)
        self._server.add_generic_rpc_handlers((_Unserved(),))
        # Watchers of health wait in a thread of their own, not in one that could answer.
        self._health = health.HealthServicer(experimental_non_blocking=True, experimental_thread_pool=ThreadPoolExecutor(1))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.set_ready(False)
        add_reflection(self._server, (open_inference_service.SERVICE, health.SERVICE_NAME))
        try:
            self.port = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise AddressTakenError(f"gRPC: cannot listen on {host}:{port}; is something else listening there?") from error

    def set_ready(self, ready: bool) -> None:
        """Set the health of inference; the process as a whole is alive as soon as it answers."""
        self._health.set(open_inference_service.SERVICE, SERVING if ready else NOT_SERVING)

    def start(self) -> None:
        """Begin to answer."""
        self._call_limits.start()
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Accept no new requests, and give those in flight some time to end."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait()
        self._call_limits.stop()


class _Unserved(grpc.GenericRpcHandler):
    """Refuses the protocol's other methods by name."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        if service != open_inference_service.SERVICE:
            return None

        def refuse(_: Any, context: grpc.ServicerContext) -> NoReturn:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method[:80]} is not served by this device")
            raise AssertionError("abort returned")

        return grpc.stream_stream_rpc_method_handler(refuse)
