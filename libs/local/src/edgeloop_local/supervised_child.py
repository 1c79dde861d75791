"""One supervised child: its command, its restarts and its state."""

from __future__ import annotations

import enum
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeloop_local.child_processes import Command, spawn, sweep
from edgeloop_local.files import last_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from edgeloop_local.child_processes import ChildProcess


_ENDS = 5  # newest ends that are kept, besides the first one


class State(enum.StrEnum):
    """State of a child."""

    RUNNING = "running"
    WAITING = "waiting to restart"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """
    A child's command and its options.

    Parameters
    ----------
    name : str
        Unique among the children of a supervisor.
    argv : Sequence[str]
        The program and its arguments.
    log : pathlib.Path
        Its output is appended here, over restarts.
    env : Mapping[str, str]
        Variables added to this process's environment.
    port : int, optional
        Port of ``GET /readyz`` on the loopback interface.
    cwd : pathlib.Path, optional
        Its working directory.
    restart : bool
        Start it again when it ends by itself, with any exit code. False for a task that ends.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    port: int | None = None
    cwd: Path | None = None
    restart: bool = True


@dataclass(frozen=True, slots=True)
class End:
    """
    How one run of a child ended by itself.

    Parameters
    ----------
    at : float
        Time of the end, in seconds since 1970.
    exit_code : int or None
        As in `subprocess`: negative for a signal; None if it could not be started.
    last_lines : tuple of str
        The last lines of its log.
    """

    at: float
    exit_code: int | None
    last_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """
    State of a child at one moment.

    Parameters
    ----------
    name : str
        Its name.
    state : State
        Its state.
    pid : int or None
        Its process, while it runs.
    restarts : int
        Number of restarts after it had ended by itself.
    exit_code : int or None
        Of the run before, as in `subprocess`: negative for a signal.
    port : int or None
        Its port for ``/readyz`` and ``/metrics``.
    log : pathlib.Path
        Its log.
    ends : tuple of End
        Ends by itself: the first one and the newest ones.
    """

    name: str
    state: State
    pid: int | None
    restarts: int
    exit_code: int | None
    port: int | None
    log: Path
    ends: tuple[End, ...] = ()


class Backoff:
    """
    Seconds before the next restart: doubled from `first` up to `limit`, and `first` again after a long run.

    Examples
    --------
    >>> backoff = Backoff(first=0.2, limit=5.0, reset_after=30.0)
    >>> [backoff.after(lifetime=0.1) for _ in range(7)]
    [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    >>> backoff.after(lifetime=31.0)
    0.2
    """

    def __init__(self, first: float = 0.2, limit: float = 5.0, reset_after: float = 30.0) -> None:
        self._first = first
        self._limit = limit
        self._reset_after = reset_after
        self._next = first

    def after(self, lifetime: float) -> float:
        """Return the seconds to wait after a run of `lifetime` seconds."""
        if lifetime >= self._reset_after:
            self._next = self._first
        delay = self._next
        self._next = min(self._limit, delay * 2)
        return delay


class Child:
    """
    The life of a child. Not thread-safe: the supervisor holds a lock around every call.

    Parameters
    ----------
    spec : ChildSpec
        Its command.
    """

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.process: ChildProcess | None = None
        self._state = State.STOPPED
        self._backoff = Backoff()
        self._restarts = 0
        self._exit_code: int | None = None
        self._started_at = 0.0
        self._restart_at = 0.0
        self._first_end: End | None = None
        self._ends: deque[End] = deque(maxlen=_ENDS)

    def start(self, now: float) -> None:
        """Start the process unless it runs; if it cannot be started (the disk is full, for example), it is tried again later."""
        if self._state in {State.RUNNING, State.STOPPING}:
            return
        spec = self.spec
        self._started_at = now
        try:
            self.process = spawn(Command(argv=spec.argv, log=spec.log, env=spec.env, cwd=spec.cwd))
        except OSError:
            self._note_end(now, exit_code=None)
        else:
            self._state = State.RUNNING

    def poll(self, now: float) -> None:
        """Record an end, and start the process again when its restart is due."""
        if self._state is State.RUNNING and self.process is not None and self.process.poll() is not None:
            sweep(self.process)
            self._note_end(now, self.process.returncode)
        if self._state is State.WAITING and now >= self._restart_at:
            self._restarts += 1
            self.start(now)

    def begin_stop(self) -> ChildProcess | None:
        """Allow no further start; returns the process to end, if there is one."""
        if self._state in {State.RUNNING, State.WAITING}:
            self._state = State.STOPPING
        return self.process

    def end_stop(self) -> None:
        """Record that its process has been ended."""
        if self.process is not None:
            self._exit_code = self.process.returncode
            self.process = None
        if self._state is State.STOPPING:
            self._state = State.STOPPED

    def status(self) -> ChildStatus:
        """Return its state now."""
        spec, pid = self.spec, self.process.pid if self.process is not None else None
        ends = tuple(self._ends)
        if self._first_end is not None and self._first_end is not ends[0]:
            ends = (self._first_end, *ends)
        return ChildStatus(spec.name, self._state, pid, self._restarts, self._exit_code, spec.port, spec.log, ends)

    def _note_end(self, now: float, exit_code: int | None) -> None:
        self.process = None
        self._exit_code = exit_code
        end = End(time.time(), exit_code, tuple(last_lines(self.spec.log)))
        self._first_end = self._first_end or end
        self._ends.append(end)
        if self.spec.restart:
            self._state = State.WAITING
            self._restart_at = now + self._backoff.after(now - self._started_at)
        else:
            self._state = State.FINISHED if exit_code == 0 else State.FAILED
