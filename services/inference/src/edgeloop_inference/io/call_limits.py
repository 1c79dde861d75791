"""Limits on the time that a request may take to arrive, and on requests in progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import grpc


class CallLimits(grpc.ServerInterceptor):
    """Cancels calls whose messages do not come, and limits the calls in progress.

    The synchronous server gives a thread to each call once its headers have come. A client that sends only headers would hold all threads
    for ever. So there are many threads, few of them work at once, and a call that waits too long is cancelled.

    Parameters
    ----------
    wait_s
        Seconds within which a whole message must arrive.
    workers
        Calls that are worked on at once.
    """

    def __init__(self, wait_s: float, workers: int) -> None:
        self._wait_s = wait_s
        self._working = threading.Semaphore(workers)
        self._waiting: dict[int, tuple[float, Any]] = {}
        self._numbers = count()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="call-limits", daemon=True)

    def start(self) -> None:
        """Begin to watch calls."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None], handler_call_details: Any
    ) -> Any:
        """The handler of a call, with a bound on its waiting."""
        handler: Any = continuation(handler_call_details)
        if handler is None or (handler.response_streaming and not handler.request_streaming):
            return handler  # a watcher of health, which has a pool of its own
        coded = handler.request_deserializer, handler.response_serializer
        if handler.request_streaming:
            behavior: Any = handler.stream_stream or handler.stream_unary

            def streamed(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
                return behavior(self._bounded(requests, context), context)

            make = grpc.stream_stream_rpc_method_handler if handler.response_streaming else grpc.stream_unary_rpc_method_handler
            return make(streamed, *coded)

        def single(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
            request = next(self._bounded(requests, context), None)
            if request is None:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "expected a message, given none")
            with self._working:
                return handler.unary_unary(request, context)

        return grpc.stream_unary_rpc_method_handler(single, *coded)

    def _bounded(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        """Messages of a call, each with a time limit."""
        number = next(self._numbers)
        while True:
            self._waiting[number] = time.monotonic() + self._wait_s, context
            try:
                message = next(requests, None)
            finally:
                del self._waiting[number]
            if message is None:
                return
            yield message

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, self._wait_s / 4)):
            now = time.monotonic()
            for ends, context in list(self._waiting.values()):
                if ends < now:
                    context.cancel()
