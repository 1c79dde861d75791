"""A TCP proxy on loopback that reads Kafka's request headers and can disturb the next ``EndTxn``.

Clients that bootstrap here stay here. The proxy replaces the broker's address in its answers with its own, which has the same length.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self

PRODUCE, ADD_OFFSETS, END_TXN = 0, 25, 26
HOST = "127.0.0.1"
PIECE = 4096


@dataclass(frozen=True, slots=True)
class Late:
    """Hold an ``EndTxn`` back, cut its client off, and deliver it in the middle of a later transaction.

    Attributes
    ----------
    answers
        Produce answers that the client gets between the cut and the delivery: 1 is early in the next transaction.
    patience_s
        Deliver after this time at the latest.
    cut_after_s
        How long the client waits for its answer before it is cut off.
    """

    answers: int = 1
    patience_s: float = 2.0
    cut_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function when an ``EndTxn`` comes, just before or just after it is passed on."""

    function: Callable[[], None]
    before: bool = True


Fault = Late | Call


@dataclass(slots=True)
class _Connection:
    client: asyncio.StreamWriter
    broker: asyncio.StreamWriter
    broker_reader: asyncio.StreamReader
    kinds: dict[int, int] = field(default_factory=dict[int, int])  # correlation id → api key
    detached: bool = False


class Proxy:
    """Stands between clients and one broker.

    Parameters
    ----------
    broker_port
        Port of the broker on loopback.
    bytes_per_s
        Limit for all answers together; 0 for none.
    """

    def __init__(self, broker_port: int, bytes_per_s: int = 0) -> None:
        self._broker_port = broker_port
        self._bytes_per_s = bytes_per_s
        self._link = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._fault: Fault | None = None
        self._produced = 0
        self._answered = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.done = threading.Event()
        self.late_answers: list[int] = []
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def arm(self, fault: Fault) -> None:
        """Do this to the next ``EndTxn``; :attr:`done` is set when it has been done."""
        self.done.clear()
        self._loop.call_soon_threadsafe(setattr, self, "_fault", fault)

    def disarm(self) -> None:
        """Do nothing to the next one."""
        self._loop.call_soon_threadsafe(setattr, self, "_fault", None)

    def cut(self) -> None:
        """Cut all clients off, answers in flight included; they may reconnect."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in (*self._tasks,):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            broker_reader, broker = await asyncio.open_connection(HOST, self._broker_port)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, broker, broker_reader)
        up = asyncio.ensure_future(self._quietly(self._requests(connection, reader)))
        down = asyncio.ensure_future(self._quietly(self._answers(connection)))
        for task in (up, down):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if connection.detached:  # the fault sees to it
            return
        up.cancel()
        down.cancel()
        broker.transport.abort()
        writer.transport.abort()

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (OSError, asyncio.IncompleteReadError):
            return

    async def _requests(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        while True:
            frame = await _frame(reader)
            kind, _, number = struct.unpack_from(">hhi", frame, 4)
            connection.kinds[number] = kind
            if kind == END_TXN and self._fault is not None:
                fault, self._fault = self._fault, None
                if isinstance(fault, Late):
                    connection.detached = True
                    task = asyncio.ensure_future(self._quietly(self._late(connection, frame, fault)))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                    return
                if fault.before:
                    fault.function()
                connection.broker.write(frame)
                await connection.broker.drain()
                if not fault.before:
                    fault.function()
                self.done.set()
            else:
                connection.broker.write(frame)
                await connection.broker.drain()

    async def _answers(self, connection: _Connection) -> None:
        there, here = (HOST.encode() + struct.pack(">i", port) for port in (self._broker_port, self.port))
        while True:
            frame = await _frame(connection.broker_reader)
            kind = connection.kinds.pop(struct.unpack_from(">i", frame, 4)[0], -1)
            if connection.detached:
                if kind == END_TXN:  # version 1 without tagged fields: throttle time, then the error code
                    self.late_answers.append(struct.unpack_from(">h", frame, 12)[0])
                    connection.broker.transport.abort()
                    self.done.set()
                continue
            await self._pass_on(connection.client, frame.replace(there, here))
            if kind == PRODUCE:
                self._produced += 1
                self._answered.set()

    async def _pass_on(self, client: asyncio.StreamWriter, frame: bytes) -> None:
        if not self._bytes_per_s:
            client.write(frame)
            await client.drain()
            return
        for at in range(0, len(frame), PIECE):
            async with self._link:
                piece = frame[at : at + PIECE]
                client.write(piece)
                await client.drain()
                await asyncio.sleep(len(piece) / self._bytes_per_s)

    async def _late(self, connection: _Connection, frame: bytes, fault: Late) -> None:
        await asyncio.sleep(fault.cut_after_s)
        connection.client.transport.abort()
        wanted = self._produced + fault.answers
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.patience_s):
                while self._produced < wanted:
                    self._answered.clear()
                    await self._answered.wait()
        connection.broker.write(frame)
        await connection.broker.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, with the four bytes of its length."""
    head = await reader.readexactly(4)
    return head + await reader.readexactly(struct.unpack(">i", head)[0])
