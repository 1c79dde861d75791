"""Readiness of servers, probed in their own protocols."""

from __future__ import annotations

import http.client
import socket
import struct
import time
from typing import TYPE_CHECKING

from edgeloop_local.errors import NotReadyError, ProcessDiedError
from edgeloop_local.files import last_lines
from edgeloop_local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgeloop_local.child_processes import ChildProcess

_API_VERSIONS = 18
_METADATA = 3
_CLIENT = b"edgeloop-local"


def kafka_answers(port: int, host: str = LOOPBACK, timeout: float = 1.0) -> bool:
    """
    Check that a Kafka broker serves: it answers ApiVersions, and Metadata names a broker and a controller.

    A KRaft broker opens its port while it is still fenced. Then it answers ApiVersions, and its list of brokers is empty.
    """
    try:
        with socket.create_connection((host, port), timeout) as connection:
            versions = _call(connection, _API_VERSIONS, 0, b"")
            if struct.unpack_from(">h", versions)[0] != 0:
                return False
            metadata = _call(connection, _METADATA, 1, struct.pack(">i", 0))  # of no topic
            brokers = struct.unpack_from(">i", metadata)[0]
            # Version 1 lists no topics here, so its last fields are the controller's id and a count of zero.
            controller = struct.unpack_from(">i", metadata, len(metadata) - 8)[0]
            return brokers > 0 and controller >= 0
    except (OSError, struct.error):
        return False


def http_answers(port: int, path: str, host: str = LOOPBACK, timeout: float = 1.0) -> bool:
    """Check that ``GET path`` returns 200; no proxy is used."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(probe: Callable[[], bool], name: str, child: ChildProcess, log: Path, timeout: float) -> None:
    """
    Wait until `probe` returns true.

    Raises
    ------
    ProcessDiedError
        The process ended before; the error has the last lines of its log.
    NotReadyError
        `timeout` seconds passed.
    """
    deadline = time.monotonic() + timeout
    while not probe():
        if child.poll() is not None:
            raise ProcessDiedError(name, child.returncode, log, last_lines(log))
        if time.monotonic() > deadline:
            raise NotReadyError(name, timeout, log, last_lines(log))
        time.sleep(0.05)


def _call(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    """Send one request (header version 1) and return the body of the response."""
    header = struct.pack(">hhih", api, version, 0, len(_CLIENT)) + _CLIENT
    connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
    size = struct.unpack(">i", _read(connection, 4))[0]
    return _read(connection, size)[4:]  # after the correlation id


def _read(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise ConnectionResetError("the server closed the connection")
        data += chunk
    return bytes(data)
