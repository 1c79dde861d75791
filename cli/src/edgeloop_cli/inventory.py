"""What runs where: written down by ``up``, shown by ``up`` and ``status``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from edgeloop_local.files import write_whole
from edgeloop_local.stackinfo import ProcessId
from rich.table import Table

if TYPE_CHECKING:
    from edgeloop_cli.platform import Platform

_FILE = "inventory.json"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that runs.

    Attributes
    ----------
    name, kind
        ``kind`` is server, service or device.
    process
        Its process, started anew if it ended by itself; that of the command itself for ``edgeloop``.
    address
        Where its clients reach it; empty for none.
    metrics
        Where people and scrapers look.
    log
        What it prints.
    """

    name: str
    kind: str
    process: ProcessId
    address: str
    metrics: str
    log: str


def entries(platform: Platform) -> list[Entry]:
    """Everything that the platform runs."""
    found: list[Entry] = []
    logs = platform.data_dir / "logs"
    if stack := platform.stack:
        found.append(Entry("Kafka", "server", ProcessId.of(stack.kafka.child.pid), stack.bootstrap, "", str(logs / "kafka.log")))
        found.append(
            Entry("schema registry", "server", ProcessId.of(stack.registry.child.pid), stack.registry_url, "", str(logs / "registry.log"))
        )
    targets = {device.name: device for fleet in platform.fleets for device in fleet.devices}
    for child in platform.children():
        if child.pid is None:
            continue
        device = targets.get(child.name)
        port = device.http_port if device else child.port
        found.append(
            Entry(
                child.name,
                "device" if device else "service",
                ProcessId.of(child.pid),
                f"grpc://{device.target}" if device else "",
                f"http://127.0.0.1:{port}/metrics",
                str(child.log),
            )
        )
    found.append(Entry("edgeloop", "command", ProcessId.of(psutil.Process().pid), "", "", ""))
    return found


def write(platform: Platform) -> list[Entry]:
    """Write down what runs, for other commands."""
    found = entries(platform)
    write_whole(platform.data_dir / _FILE, json.dumps([asdict(entry) for entry in found], indent=2) + "\n")
    return found


def read(data_dir: Path) -> list[Entry]:
    """What was written down; nothing when nothing runs."""
    try:
        rows = json.loads((data_dir / _FILE).read_text(encoding="utf-8"))
        return [Entry(**{**row, "process": ProcessId(**row["process"])}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def forget(data_dir: Path) -> None:
    """Nothing runs any more."""
    (data_dir / _FILE).unlink(missing_ok=True)


def memory_of(process: ProcessId) -> int | None:
    """Memory of a process and what it started, bytes: its proportional share (PSS) where the system tells, else its resident set.

    ``None`` when it does not run.
    """
    running = process.find()
    if running is None:
        return None
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
    rows = [
        {
            "name": e.name,
            "kind": e.kind,
            "pid": e.process.pid,
            "address": e.address,
            "metrics": e.metrics,
            "log": e.log,
            "memory_mib": _mib(memory),
        }
        for e, memory in _measured(found)
    ]
    return {"processes": rows, "memory_mib": round(sum(row["memory_mib"] or 0 for row in rows), 1)}


def table(found: Sequence[Entry]) -> Table:
    """For people."""
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("what", "pid", "memory"):
        drawn.add_column(column, no_wrap=True)
    drawn.add_column("where", overflow="fold")
    total = 0
    for entry, memory in _measured(found):
        total += memory or 0
        shown = "[red]gone[/]" if memory is None else f"{memory / _MIB:.0f} MiB"
        where = "  ".join(filter(None, (entry.address, entry.metrics)))
        drawn.add_row(entry.name, str(entry.process.pid), shown, where)
    drawn.add_row("[bold]all[/]", "", f"[bold]{total / _MIB:.0f} MiB[/]", "")
    return drawn


def _measured(found: Iterable[Entry]) -> list[tuple[Entry, int | None]]:
    # Our own children are entries of their own.
    return [(entry, memory_of(entry.process) if entry.kind != "command" else _own(entry.process)) for entry in found]


def _own(process: ProcessId) -> int | None:
    running = process.find()
    return None if running is None else running.memory_info().rss


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _mib(size: int | None) -> float | None:
    return None if size is None else round(size / _MIB, 1)
