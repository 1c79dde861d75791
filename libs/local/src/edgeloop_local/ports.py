"""Ports of the loopback interface: free ones, holders, and those of the last run."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from typing import TYPE_CHECKING

import psutil

from edgeloop_local.errors import PortTakenError
from edgeloop_local.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the ranges of ports for outgoing connections (Linux from 32768, others from 49152): between two runs, no client
# takes a remembered port.
_CHOICE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Check that a server could listen on `port` of the loopback interface now."""
    with socket.socket() as probe:
        # Connections of a stopped server stay in TIME_WAIT for a while; neither Java nor this probe minds them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(besides: Iterable[int] = ()) -> int:
    """
    Choose a free port at random.

    Parameters
    ----------
    besides : Iterable[int]
        Ports that are reserved although nobody listens there yet.
    """
    taken = set(besides)
    candidates = random.SystemRandom().sample(_CHOICE, k=len(_CHOICE))
    return next(port for port in candidates if port not in taken and is_free(port))


def holder_of(port: int) -> str | None:
    """Describe the process that listens on `port`, as far as the operating system allows."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    return None
                with contextlib.suppress(psutil.Error):
                    return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
                return f"pid {connection.pid}"
    return None


class PortBook:
    """
    Chooses ports by name and keeps them in a file, so that a restart uses the same ones.

    Parameters
    ----------
    path : pathlib.Path
        A JSON file that maps names to ports.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError):
            self._ports = {str(name): int(port) for name, port in json.loads(path.read_text()).items()}

    def choose(self, name: str, fixed: int = 0) -> int:
        """
        Return a free port for `name`: the fixed one, else that of the last run, else any.

        Raises
        ------
        PortTakenError
            `fixed` is given and in use.
        """
        if fixed and not is_free(fixed):
            raise PortTakenError(fixed, name, holder_of(fixed))
        remembered = self._ports.get(name, 0)
        others = [port for other, port in self._ports.items() if other != name]
        port = fixed or (remembered if remembered and is_free(remembered) else free_port(besides=others))
        self._ports[name] = port
        write_whole(self._path, json.dumps(self._ports, indent=2))
        return port
