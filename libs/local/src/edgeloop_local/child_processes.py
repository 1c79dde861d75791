"""Child processes that never outlive their parent, and their certain end."""

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
    A command line with its surroundings.

    Parameters
    ----------
    argv : Sequence[str]
        The program and its arguments.
    log : pathlib.Path
        Its output is appended here.
    env : Mapping[str, str]
        Variables added to this process's environment.
    cwd : pathlib.Path, optional
        Its working directory.
    death_signal : signal.Signals
        Sent to it when this process dies. Only SIGKILL ends a program that hangs or is stopped.
    """

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: Path | None = None
    death_signal: int = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def spawn(command: Command) -> ChildProcess:
    """
    Start a process in its own session: a terminal's Ctrl-C reaches the parent alone, which stops its children in order.

    On Linux the kernel ends a child when the *thread* that started it ends. So one thread starts all children, whichever thread
    calls, and it lives as long as the process.

    Raises
    ------
    OSError
        The log cannot be written, or the guard cannot be run. If the command cannot be run, the exit code is
        `guard.CANNOT_RUN`.
    """
    return _SPAWNER.submit(command).result()


def finish(children: Iterable[ChildProcess], grace: float) -> None:
    """
    End processes: SIGTERM to each in the given order, then SIGKILL to what is left after `grace` seconds.

    A stopped process (SIGSTOP) is continued first, since it could not act on SIGTERM. Processes that a child started in its
    process group are killed once the child has ended.
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
    Kill the process and all other processes of its group.

    Call it as soon as a child has ended: later its pid may name another group.
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
    """One thread that starts every child. The first request creates it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._requests: queue.SimpleQueue[tuple[Command, Future[ChildProcess]]] = queue.SimpleQueue()

    def submit(self, command: Command) -> Future[ChildProcess]:
        future: Future[ChildProcess] = Future()
        with self._lock:
            if self._owner != os.getpid():  # none yet, or this is a fork, which copies no threads
                self._owner = os.getpid()
                self._requests = queue.SimpleQueue()
                # A daemon thread: joined at exit, it would end before the clean-up has run, and its children with it.
                threading.Thread(target=self._serve, args=(self._requests,), name="edgeloop-spawner", daemon=True).start()
            self._requests.put((command, future))
        return future

    @staticmethod
    def _serve(requests: queue.SimpleQueue[tuple[Command, Future[ChildProcess]]]) -> None:
        while True:
            command, future = requests.get()
            try:
                future.set_result(_start(command))
            except Exception as error:  # any error is the caller's
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
