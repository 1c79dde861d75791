"""Ports on the loopback interface: which are free, who holds one, which were used last time."""

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
# Below the ranges from which Linux (32768…) and others (49152…) take ports for outgoing connections,
# so that a remembered port isn't lost to somebody's client between two runs.
_CHOICE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` of the loopback interface now."""
    with socket.socket() as probe:
        # A server just stopped leaves connections in TIME_WAIT, which don't keep Java from listening either.
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
        Ports that are spoken for although nothing listens there yet.
    """
    taken = set(besides)
    candidates = random.SystemRandom().sample(_CHOICE, k=len(_CHOICE))
    return next(port for port in candidates if port not in taken and is_free(port))


def holder_of(port: int) -> str | None:
    """Describe the process that listens on `port`, as far as the operating system tells us."""
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
    Chooses ports by name and remembers them in a file, so that a restart uses the same ones.

    Parameters
    ----------
    path : pathlib.Path
        A JSON file of name to port.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError):
            self._ports = {str(name): int(port) for name, port in json.loads(path.read_text()).items()}

    def choose(self, name: str, fixed: int = 0) -> int:
        """
        Give a free port for `name`: the fixed one, else last time's, else any.

        Raises
        ------
        PortTakenError
            If `fixed` is given and in use.
        """
        if fixed and not is_free(fixed):
            raise PortTakenError(fixed, name, holder_of(fixed))
        remembered = self._ports.get(name, 0)
        others = [port for other, port in self._ports.items() if other != name]
        port = fixed or (remembered if remembered and is_free(remembered) else free_port(besides=others))
        self._ports[name] = port
        write_whole(self._path, json.dumps(self._ports, indent=2))
        return port
