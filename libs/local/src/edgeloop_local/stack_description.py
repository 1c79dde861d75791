"""Description of a running stack, which other commands read from its data directory."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psutil

from edgeloop_local.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "stack.json"
_CLOCK_SLACK = 2.0  # seconds; the start times of kernel and psutil are rounded differently


@dataclass(frozen=True, slots=True)
class ProcessId:
    """
    One process, distinct from a later one with the same pid.

    Parameters
    ----------
    pid : int
        Its number.
    started : float
        When it started, in seconds since 1970.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Describe a process that runs now."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the process if it still runs."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _CLOCK_SLACK
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


@dataclass(frozen=True, slots=True)
class StackInfo:
    """
    A running stack.

    Parameters
    ----------
    bootstrap : str
        Kafka's address.
    registry_url : str
        The root of the schema registry's Confluent-compatible API.
    owner, kafka, registry : ProcessId
        The process that started the stack, and the two servers.
    """

    bootstrap: str
    registry_url: str
    owner: ProcessId
    kafka: ProcessId
    registry: ProcessId

    @property
    def alive(self) -> bool:
        """Whether both servers' processes run."""
        return all(each.find() is not None for each in (self.kafka, self.registry))

    def save(self, data_dir: Path) -> None:
        """Write it into the data directory."""
        write_whole(data_dir / _FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, data_dir: Path) -> StackInfo | None:
        """Read the description in the data directory, which may be outdated."""
        try:
            content = json.loads((data_dir / _FILE).read_text(encoding="utf-8"))
            return cls(
                bootstrap=content["bootstrap"],
                registry_url=content["registry_url"],
                owner=ProcessId(**content["owner"]),
                kafka=ProcessId(**content["kafka"]),
                registry=ProcessId(**content["registry"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def forget(data_dir: Path) -> None:
        """Remove the description."""
        (data_dir / _FILE).unlink(missing_ok=True)
