"""Starting child processes that never outlive us, and ending them for certain."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeloop_local import guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    ChildProcess = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Command:
    """
    What to run.

    Parameters
    ----------
    argv : Sequence[str]
        The program and its arguments.
    log : pathlib.Path
        What it prints is appended here.
    env : Mapping[str, str]
        Set on top of our own environment.
    cwd : pathlib.Path, optional
        Its working directory.
    death_signal : signal.Signals
        What it gets when we die. Only SIGKILL ends a program that hangs or is stopped.
    """

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: Path | None = None
    death_signal: int = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def spawn(command: Command) -> ChildProcess:
    """
    Start a process in its own session: a terminal's Ctrl-C reaches us only, and we stop it in good order.

    On Linux the kernel ends a child when the *thread* that started it ends. So all are started by one thread
    that lives as long as we do, whichever thread calls.

    Raises
    ------
    OSError
        If the log can't be written or the guard can't be run. A command that can't be run is told by an exit code
        of `guard.CANNOT_RUN`.
    """
    return _SPAWNER.submit(command).result()


def finish(children: Iterable[ChildProcess], grace: float) -> None:
    """
    End processes: SIGTERM to each in the given order, then SIGKILL to what is left after `grace` seconds.

    A stopped process (SIGSTOP) is continued, for it couldn't act on SIGTERM. What a child has itself started in its
    process group is killed when the child is gone.
    """
    running = [child for child in children if child.poll() is None]
    for child in running:
        _terminate(child)
    deadline = time.monotonic() + grace
    for child in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        sweep(child)
        child.wait()


def sweep(child: ChildProcess) -> None:
    """
    Kill the process and all that it started in its group.

    Call it at once when a child has ended: later its pid may name a stranger's group.
    """
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)  # as leader of a session its pid names its group


def _terminate(child: ChildProcess) -> None:
    with contextlib.suppress(OSError):
        if sys.platform != "win32":
            os.killpg(child.pid, signal.SIGCONT)
        child.terminate()


class _Spawner:
    """One thread that starts every child; it is made when the first one is asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._requests: queue.SimpleQueue[tuple[Command, Future[ChildProcess]]] = queue.SimpleQueue()

    def submit(self, command: Command) -> Future[ChildProcess]:
        future: Future[ChildProcess] = Future()
        with self._lock:
            if self._owner != os.getpid():  # none yet, or we are a fork, which has copied no threads
                self._owner = os.getpid()
                self._requests = queue.SimpleQueue()
                # A daemon: joined at exit it would end, and its children with it, before our own clean-up has run.
                threading.Thread(target=self._serve, args=(self._requests,), name="edgeloop-spawner", daemon=True).start()
            self._requests.put((command, future))
        return future

    @staticmethod
    def _serve(requests: queue.SimpleQueue[tuple[Command, Future[ChildProcess]]]) -> None:
        while True:
            command, future = requests.get()
            try:
                future.set_result(_start(command))
            except Exception as error:  # whatever it is, the caller must hear of it
                future.set_exception(error)


_SPAWNER = _Spawner()


def _start(command: Command) -> ChildProcess:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    argv = list(command.argv)
    if sys.platform != "win32":
        interpreter = [sys.executable, "-I", "-S", "-B", guard.__file__]
        argv = [*interpreter, str(os.getpid()), str(int(command.death_signal)), *argv]
    with command.log.open("ab") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=command.cwd,
            env={**os.environ, **command.env},
            start_new_session=True,
        )
