"""A set of services that is kept running: start, restart after an end, stop in order."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from edgeloop_errors import EXIT_UNUSABLE

from edgeloop_local.child_processes import finish
from edgeloop_local.errors import NotReadyError, ProcessDiedError, StoppedError, ending
from edgeloop_local.files import last_lines
from edgeloop_local.readiness import http_answers
from edgeloop_local.supervised_child import Child, ChildSpec, ChildStatus, State

if TYPE_CHECKING:
    from collections.abc import Iterable

READY_PATH = "/readyz"


class Supervisor:
    """
    Runs named child processes and restarts those that end unexpectedly.

    A background thread watches them. Any thread may call any method. Children never outlive the calling process, however it ends
    (see `spawn`).

    Parameters
    ----------
    specs : Iterable[ChildSpec]
        The children, in order of starting.
    grace : float
        Seconds between SIGTERM and SIGKILL.
    poll : float
        Seconds between two polls of the children.

    Examples
    --------
    >>> with Supervisor([ChildSpec("drift", ["edgeloop-drift"], log=Path("drift.log"), port=9102)]) as services:
    ...     services.wait_ready(timeout=30)  # doctest: +SKIP
    """

    def __init__(self, specs: Iterable[ChildSpec], *, grace: float = 10.0, poll: float = 0.05) -> None:
        self._children: dict[str, Child] = {}
        for spec in specs:
            if spec.name in self._children:
                raise ValueError(f"two children are called {spec.name!r}")
            self._children[spec.name] = Child(spec)
        self._grace = grace
        self._poll = poll
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> Self:
        """Start all children and the watching thread; returns at once."""
        if self._watcher is not None:
            raise RuntimeError("the supervisor has been started already")
        for child in self._children.values():
            child.start(time.monotonic())
        self._watcher = threading.Thread(target=self._watch, name="edgeloop-supervisor", daemon=True)
        self._watcher.start()
        return self

    def wait_ready(self, timeout: float = 60.0, names: Iterable[str] | None = None) -> None:
        """
        Wait until every child with a port answers ``/readyz`` with 200, and every other one runs or has finished without error.

        Parameters
        ----------
        timeout : float
            Seconds to wait for all of them.
        names : Iterable[str], optional
            Only these.

        Raises
        ------
        NotReadyError
            Some are not ready in time; the message names them and quotes the one that ended first, else the first one's log.
        ProcessDiedError
            A child without restarts failed, or a child ended with `EXIT_UNUSABLE`.
        StoppedError
            The supervisor is stopped meanwhile.
        """
        waiting = [self._children[name] for name in (names if names is not None else self._children)]
        deadline = time.monotonic() + timeout
        while waiting := [child for child in waiting if not self._is_ready(child)]:
            if self._stopping.is_set():
                raise StoppedError
            if time.monotonic() > deadline:
                raise self._late(waiting, timeout)
            time.sleep(0.05)

    def status(self) -> list[ChildStatus]:
        """Return the state of every child now, in order of starting."""
        with self._lock:
            return [child.status() for child in self._children.values()]

    def stop(self) -> None:
        """Stop all children, the last started first; may be repeated."""
        self._stopping.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
        self._end(reversed(self._children.values()))

    def stop_child(self, name: str) -> None:
        """Stop one child and leave it stopped."""
        self._end([self._children[name]])

    def start_child(self, name: str) -> None:
        """Start one child that is stopped, finished or failed; harmless while it runs."""
        with self._lock:
            if not self._stopping.is_set():
                self._children[name].start(time.monotonic())

    def add(self, spec: ChildSpec) -> None:
        """Start one more child."""
        with self._lock:
            if spec.name in self._children:
                raise ValueError(f"two children are called {spec.name!r}")
            child = self._children[spec.name] = Child(spec)
            if self._watcher is not None and not self._stopping.is_set():
                child.start(time.monotonic())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _watch(self) -> None:
        while not self._stopping.wait(self._poll):
            with self._lock:
                for child in self._children.values():
                    child.poll(time.monotonic())

    def _is_ready(self, child: Child) -> bool:
        with self._lock:
            status, spec = child.status(), child.spec
        if status.state is State.FAILED:
            raise ProcessDiedError(spec.name, status.exit_code, spec.log, last_lines(spec.log))
        if unusable := next((end for end in status.ends if end.exit_code == EXIT_UNUSABLE), None):
            raise ProcessDiedError(spec.name, EXIT_UNUSABLE, spec.log, unusable.last_lines)
        if status.state is State.RUNNING and spec.port is not None:
            return http_answers(spec.port, READY_PATH)
        return status.state in {State.RUNNING, State.FINISHED}

    def _late(self, waiting: Iterable[Child], timeout: float) -> NotReadyError:
        with self._lock:
            late = [child.status() for child in waiting]
        names = ", ".join(status.name for status in late)
        if not (ended := [status for status in late if status.ends]):
            return NotReadyError(names, timeout, late[0].log, last_lines(late[0].log))
        first = min(ended, key=lambda status: status.ends[0].at)
        end = first.ends[0]
        how = f"; first {first.name} {ending(end.exit_code)}" if len(late) > 1 else f"; it {ending(end.exit_code)}"
        return NotReadyError(names, timeout, first.log, end.last_lines, how)

    def _end(self, children: Iterable[Child]) -> None:
        ending = list(children)
        with self._lock:
            processes = [child.begin_stop() for child in ending]
        # Without the lock: a display may ask for the status meanwhile.
        finish([process for process in processes if process is not None], self._grace)
        with self._lock:
            for child in ending:
                child.end_stop()
