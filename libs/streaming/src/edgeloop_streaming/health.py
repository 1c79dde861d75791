"""Health and metrics of a process as pages over HTTP, whoever asks, however slowly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import h11
from edgeloop_errors import EXIT_UNUSABLE, FatalError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

ANSWER_S = 10.0  # from a connection to the end of its answer
CONNECTIONS = 128
REQUEST_BYTES = 16 * 1024
_Page = tuple[int, str, bytes]


class CannotListenError(FatalError, OSError):
    """Nothing can be served where it was asked for; the message names the variables."""

    exit_code = EXIT_UNUSABLE


class HealthServer:
    """Serves ``/metrics``, ``/healthz`` and ``/readyz``: one thread for all connections, one for what metrics cost.

    A connection has ``answer_s`` seconds for all of it. Of too many connections the oldest is closed: whoever asks in earnest is
    answered within milliseconds, so that it is one of those that hold their requests back.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one, see :attr:`port`.
    registry
        Metrics to show.
    healthy, ready
        Asked at each request.
    answer_s, connections
        Seconds of a connection, and how many there are at once.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        healthy: Callable[[], bool],
        ready: Callable[[], bool],
        *,
        answer_s: float = ANSWER_S,
        connections: int = CONNECTIONS,
    ) -> None:
        self._place = (host, port)
        self._registry = registry
        self._verdicts = {"/healthz": healthy, "/readyz": ready}
        self._answer_s = answer_s
        self._most = connections
        self._open: dict[asyncio.Task[None], None] = {}  # oldest first
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)

    def start(self) -> None:
        """Begin to answer.

        Raises
        ------
        CannotListenError
            The port is taken, or there is no such host.
        """
        host, port = self._place
        try:
            self._socket = socket.create_server(self._place, family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None) or 0
            said = os.strerror(number) if number > 0 else str(error)  # Python adds the address to the text of the system
            raise CannotListenError(
                f"HTTP: cannot listen on {host}:{port}: {said}; look at EDGELOOP_HTTP_PORT and EDGELOOP_HTTP_HOST"
            ) from error
        self.port: int = self._socket.getsockname()[1]
        self._metrics = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._ending = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; harmless when repeated, or before it has started."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()
            self._metrics.shutdown(wait=False, cancel_futures=True)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # ends the connections that are left
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        async with await asyncio.start_server(self._serve_connection, sock=self._socket, limit=REQUEST_BYTES):
            await self._ending.wait()
            for task in self._open:
                task.cancel()

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= self._most:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.cancel()
        self._open[task] = None
        try:
            async with asyncio.timeout(self._answer_s):
                await self._answer(reader, writer)
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError, asyncio.CancelledError):
            pass  # too slow, gone, or one of too many: nobody waits for the task
        finally:
            self._open.pop(task, None)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=REQUEST_BYTES)
        try:
            while (event := wire.next_event()) is h11.NEED_DATA:
                wire.receive_data(await reader.read(REQUEST_BYTES))
            if not isinstance(event, h11.Request):
                return  # it was closed before a word
            status, kind, content = await self._page(event)
        except h11.RemoteProtocolError as error:
            status, kind, content = error.error_status_hint, "text/plain", b"not understood\n"
        headers = [("Content-Type", kind), ("Content-Length", str(len(content))), ("Connection", "close")]
        parts: list[h11.Event] = [h11.Response(status_code=status, headers=headers), h11.Data(data=content), h11.EndOfMessage()]
        with contextlib.suppress(h11.LocalProtocolError):  # it wants no more than the head
            for part in parts:
                writer.write(wire.send(part) or b"")
        await writer.drain()

    async def _page(self, request: h11.Request) -> _Page:
        path = request.target.decode("latin-1").partition("?")[0]
        if request.method != b"GET":
            return 405, "text/plain", b"only GET\n"
        if path == "/metrics":  # may wait for whoever keeps a figure: not in the thread that answers all others
            return 200, CONTENT_TYPE_LATEST, await self._loop.run_in_executor(self._metrics, generate_latest, self._registry)
        if verdict := self._verdicts.get(path):
            return (200, "text/plain", b"ok\n") if verdict() else (503, "text/plain", b"not ready\n")
        return 404, "text/plain", b"not found\n"
