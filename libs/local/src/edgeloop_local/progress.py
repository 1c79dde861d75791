"""Progress of a long start, for people: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichBars

Advance = Callable[[int], None]
_MB = 1_000_000


class Progress(Protocol):
    """Receives the steps of a start. Threads may share one."""

    def report(self, line: str) -> None:
        """Report one step."""
        ...

    def downloading(self, what: str, total: int) -> AbstractContextManager[Advance]:
        """Report a download of `total` bytes; call the context's value with each count of bytes that arrived."""
        ...


class Silence:
    """Reports nothing."""

    def report(self, line: str) -> None:
        """Drop the line."""

    @contextlib.contextmanager
    def downloading(self, what: str, total: int) -> Generator[Advance]:
        """Count nothing."""
        del what, total
        yield lambda _count: None


class PlainLines:
    """
    Writes a line at intervals, for logs, pipes and continuous integration.

    Parameters
    ----------
    stream : TextIO
        Where to write.
    every : float
        Least seconds between two lines about one download.
    """

    def __init__(self, stream: TextIO, every: float = 2.0) -> None:
        self._stream = stream
        self._every = every
        self._lock = threading.Lock()

    def report(self, line: str) -> None:
        """Write the line."""
        with self._lock:
            print(line, file=self._stream, flush=True)

    @contextlib.contextmanager
    def downloading(self, what: str, total: int) -> Generator[Advance]:
        """Write the megabytes that arrived, and their total."""
        counting = threading.Lock()
        done, reported_at = 0, time.monotonic()
        self.report(f"downloading {what}: {total / _MB:.0f} MB")

        def advance(count: int) -> None:
            nonlocal done, reported_at
            with counting:
                done += count
                now = time.monotonic()
                if now - reported_at < self._every:
                    return
                reported_at = now
            self.report(f"downloading {what}: {done / _MB:.0f} of {total / _MB:.0f} MB")

        yield advance
        self.report(f"downloaded {what}")


class TerminalBars:
    """
    Draws bars with rich.

    Parameters
    ----------
    console : rich.console.Console
        The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._bars: RichBars | None = None
        self._open = 0

    def report(self, line: str) -> None:
        """Print the line above any bars."""
        self._console.print(line, highlight=False)

    @contextlib.contextmanager
    def downloading(self, what: str, total: int) -> Generator[Advance]:
        """Draw one bar; several at once share the display."""
        bars = self._enter()
        task = bars.add_task(what, total=total)
        try:
            yield lambda count: bars.advance(task, count)
        finally:
            self._leave()

    def _enter(self) -> RichBars:
        with self._lock:
            if self._bars is None:
                columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
                self._bars = RichBars(*columns, console=self._console, transient=True)
                self._bars.start()
            self._open += 1
            return self._bars

    def _leave(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0 and self._bars is not None:
                self._bars.stop()
                self._bars = None


def progress_for(stream: TextIO | None = None) -> Progress:
    """Choose bars for a terminal and plain lines for anything else; standard error by default."""
    target: TextIO = stream or sys.stderr
    return TerminalBars(Console(file=target)) if target.isatty() else PlainLines(target)
