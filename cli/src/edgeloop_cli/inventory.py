"""Inventory of running processes: written by the command that runs them, read by ``status``."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psutil
from edgeloop_local.errors import ending
from edgeloop_local.files import write_whole
from edgeloop_local.kafka import KafkaBroker
from edgeloop_local.stack_description import ProcessId

if TYPE_CHECKING:
    from edgeloop_local import ChildStatus

    from edgeloop_cli.fleet import Fleet
    from edgeloop_cli.platform import Platform

FOLDER = "running"
STARTING, RUNNING, STOPPING = "starting", "running", "stopping"
LOOK_S = 0.5
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that runs.

    Attributes
    ----------
    name, kind
        ``kind`` is server, service, device or command.
    process
        Its process now; ``None`` while it has none.
    address
        Where its clients reach it; empty for none.
    metrics
        Where people and scrapers look.
    log
        What it prints.
    restarts
        How often it was started again after it had ended by itself.
    ends
        How it ended by itself, the first time and the newest times: when (seconds since 1970), how, and what it said last.
    """

    name: str
    kind: str
    process: ProcessId | None
    address: str = ""
    metrics: str = ""
    log: str = ""
    restarts: int = 0
    ends: tuple[tuple[float, str, str], ...] = ()

    @property
    def http_port(self) -> int:
        """Port of its pages."""
        return int(self.metrics.removesuffix("/metrics").rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Running:
    """One command that runs things.

    Attributes
    ----------
    command
        Its name: up, demo or run.
    owner
        Its process.
    began
        When, seconds since 1970.
    state
        Starting, running or stopping.
    progress
        How far it is, in words.
    entries
        What it runs.
    """

    command: str
    owner: ProcessId
    began: float
    state: str = STARTING
    progress: str = ""
    entries: tuple[Entry, ...] = ()


class Inventory:
    """Keeps a file up to date while a ``with`` block lasts: what a command runs.

    Parameters
    ----------
    data_dir
        Whose.
    command
        Name of the command.
    """

    def __init__(self, data_dir: Path, command: str) -> None:
        self.running = Running(command, ProcessId.of(os.getpid()), time.time())
        self.entries: Callable[[], Iterable[Entry]] = tuple
        self.progress: Callable[[], str] = str
        self._path = data_dir.absolute() / FOLDER / f"{command}-{os.getpid()}.json"
        self._written = ""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="inventory", daemon=True)

    def tell(self, state: str) -> list[Entry]:
        """Change the state; give back what runs."""
        self.running = replace(self.running, state=state)
        self._write()
        return list(self.running.entries)

    def __enter__(self) -> Self:
        for path in self._path.parent.glob("*.json"):  # of commands that had no chance to take theirs away
            if (left := _read(path)) is None or left.owner.find() is None:
                path.unlink(missing_ok=True)
        self._write()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _follow(self) -> None:
        while not self._ended.wait(LOOK_S):
            with contextlib.suppress(OSError):  # a full disk: what is known is old, and everything goes on
                self._write()

    def _write(self) -> None:
        with self._lock:
            own = Entry("edgeloop", "command", self.running.owner)
            self.running = replace(self.running, entries=(*self.entries(), own), progress=self.progress())
            text = json.dumps(asdict(self.running), indent=2) + "\n"
            if text != self._written and not self._ended.is_set():
                write_whole(self._path, text)
                self._written = text


def read(data_dir: Path) -> list[Running]:
    """The commands that run things there now, the oldest first."""
    found = [_read(path) for path in (data_dir / FOLDER).glob("*.json")]
    return sorted((each for each in found if each is not None and each.owner.find() is not None), key=lambda each: each.began)


def of_platform(platform: Platform) -> list[Entry]:
    """Everything that a platform runs."""
    found: list[Entry] = []
    if stack := platform.stack:
        for server in stack.servers():
            kafka = isinstance(server, KafkaBroker)  # the registry is made first: the stack has no broker yet for a moment
            address = stack.bootstrap if kafka else stack.registry_url
            pid = server.child.pid if server.running() else None
            found.append(Entry("Kafka" if kafka else "schema registry", "server", _process(pid), address, "", str(server.log)))
    found += [_of_child(child, "service", f"http://127.0.0.1:{child.port}/metrics") for child in platform.services()]
    return found + [entry for fleet in platform.fleets for entry in of_fleet(fleet)]


def of_fleet(fleet: Fleet) -> list[Entry]:
    """The devices of a fleet."""
    devices = {device.name: device for device in fleet.devices}
    found: list[Entry] = []
    for child in fleet.supervisor.status():
        device = devices[child.name]
        found.append(_of_child(child, "device", f"http://127.0.0.1:{device.http_port}/metrics", f"grpc://{device.target}"))
    return found


def memory_of(entry: Entry) -> int | None:
    """Memory of a process and what it started, bytes: its proportional share (PSS) where the system tells, else its resident set.

    ``None`` when it does not run.
    """
    running = entry.process.find() if entry.process else None
    if running is None:
        return None
    if entry.kind == "command":  # what it started are entries of their own
        return running.memory_info().rss
    total = 0
    for each in [running, *_children(running)]:
        try:
            full = each.memory_full_info()
            total += getattr(full, "pss", 0) or full.rss
        except psutil.Error:
            continue
    return total


def as_object(found: Sequence[Entry]) -> dict[str, Any]:
    """For programs: what runs, and how much memory it takes."""
    rows: list[dict[str, Any]] = []
    for entry in found:
        memory = memory_of(entry)
        ends = [{"at": at, "how": how, "said": said} for at, how, said in entry.ends]
        rows.append(
            {
                **{name: value for name, value in asdict(entry).items() if name != "process"},
                "pid": entry.process.pid if entry.process else None,
                "memory_mib": None if memory is None else round(memory / MIB, 1),
                "ends": ends,
            }
        )
    return {"processes": rows, "memory_mib": round(sum(row["memory_mib"] or 0 for row in rows), 1)}


def _read(path: Path) -> Running | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(
            Entry(**{**row, "process": ProcessId(**row["process"]) if row["process"] else None, "ends": tuple(map(tuple, row["ends"]))})
            for row in told["entries"]
        )
        return Running(**{**told, "owner": ProcessId(**told["owner"]), "entries": entries})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _of_child(child: ChildStatus, kind: str, metrics: str, address: str = "") -> Entry:
    ends = tuple((round(end.at, 3), ending(end.exit_code), end.last_lines[-1] if end.last_lines else "") for end in child.ends)
    return Entry(child.name, kind, _process(child.pid), address, metrics, str(child.log), child.restarts, ends)


def _process(pid: int | None) -> ProcessId | None:
    try:
        return None if pid is None else ProcessId.of(pid)
    except psutil.Error:
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
