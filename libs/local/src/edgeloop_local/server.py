"""A server as one process with a log, the base of broker and schema registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from edgeloop_local.child_processes import finish, spawn
from edgeloop_local.errors import ProcessDiedError
from edgeloop_local.files import last_lines

if TYPE_CHECKING:
    from pathlib import Path

    from edgeloop_local.child_processes import ChildProcess, Command


class Server(ABC):
    """
    A server that runs as one child process.

    Parameters
    ----------
    log : pathlib.Path
        Its output; that of the run before is kept beside it as ``.1``.
    """

    name: ClassVar[str]

    def __init__(self, log: Path) -> None:
        self.log = log
        self._child: ChildProcess | None = None

    @property
    def child(self) -> ChildProcess:
        """The process."""
        if self._child is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._child

    def start(self, *, again: bool = False) -> None:
        """Start the process, without waiting for it to serve. `again` appends to the log of the attempt before."""
        if self.log.exists() and not again:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        self._child = spawn(self._prepare())

    def ended(self) -> ProcessDiedError | None:
        """Return the process's end as an error; None while it runs, or if it was never started."""
        code = self._child.poll() if self._child is not None else None
        return None if code is None else ProcessDiedError(self.name, code, self.log, last_lines(self.log))

    @abstractmethod
    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until it serves."""

    def running(self) -> bool:
        """Check that the process runs."""
        return self._child is not None and self._child.poll() is None

    def stop(self, grace: float = 15.0) -> None:
        """End the process; see `finish`. Harmless if it does not run."""
        if self._child is not None:
            finish([self._child], grace)

    @abstractmethod
    def _prepare(self) -> Command:
        """Write the files that the process needs, and return its command."""
