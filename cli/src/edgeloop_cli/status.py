"""``edgeloop status``: health of everything that runs on this machine."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.errors import FAILED, exit_on_error

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from edgeloop_cli.health import Health

WATCH_S = 2.0


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status")(status)


def status(
    data_dir: options.DataDir = options.DATA_DIR,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Repeat every two seconds until Ctrl-C.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show processes, lag, dead letters, alerts and schemas.

    The exit code is 1 if nothing runs or a process does not work. Dead letters, alerts and starting processes do not
    change it.
    """
    from rich.console import Console

    with exit_on_error():
        from edgeloop_cli import health

        while watch:
            found = health.check(data_dir)
            if as_json:
                print(json.dumps(as_object(found)), flush=True)
            else:
                console = Console()
                console.clear()
                console.print(*_told(found, data_dir), sep="\n", highlight=False)
            time.sleep(WATCH_S)
        found = health.check(data_dir)
        if as_json:
            print(json.dumps(as_object(found), indent=2))
        else:
            Console().print(*_told(found, data_dir), sep="\n", highlight=False)
        if not found.runs or found.broken:
            raise typer.Exit(FAILED)


def as_object(found: Health) -> dict[str, Any]:
    """For programs."""
    from edgeloop_cli import inventory

    content = inventory.as_object([looked.entry for looked in found.processes])
    for row, looked in zip(content["processes"], found.processes, strict=True):
        row |= {"state": looked.state, "lag": looked.lag}
    return {
        "running": found.runs,
        "not_working": found.broken,
        "commands": [
            {"command": each.command, "pid": each.owner.pid, "began": each.began, "state": each.state, "progress": each.progress}
            for each in found.commands
        ],
        "kafka": found.cluster,
        "dead_letters": found.dead,
        "dead_letters_complete": found.all_counted,
        "halted": found.halted,
        "alerts": [
            {"kind": alert.kind.value, "tenant": alert.tenant, "stream": alert.stream, "since": alert.since, "message": alert.message}
            for alert in found.alerts.values()
        ],
        "foreign_schemas": [asdict(one) for one in found.foreign],
        **content,
    }


def _told(found: Health, data_dir: Path) -> list[RenderableType]:
    from rich.markup import escape

    if not found.runs:
        return [f"nothing runs on {data_dir}; start it with `edgeloop up`"]
    parts: list[RenderableType] = [
        f"[bold]{each.command}[/] is {each.state}, since {_clock(each.began)}" + (f": {escape(each.progress)}" if each.progress else "")
        for each in found.commands
    ]
    if found.processes:
        parts.append(table(found))
    else:
        parts.append(f"no process was started here; Kafka at {escape(found.cluster)}")
    parts += [escape(line) for line in _lines(found)]
    return parts


def _lines(found: Health) -> list[str]:
    """Remarks beside a table."""
    from edgeloop_contracts import StreamKey

    lines: list[str] = []
    for looked in found.processes:
        if looked.entry.ends:
            at, how, said = looked.entry.ends[-1]
            times = f"was started again {looked.entry.restarts} times; " if looked.entry.restarts > 1 else ""
            lines.append(f"{looked.entry.name}: {times}at {_clock(at)} it {how}" + (f"; it said last: {said[:300]}" if said else ""))
    if found.dead:
        more = "" if found.all_counted else " or more"
        by_service = ", ".join(f"{service} {count:,}" for service, count in found.dead.items())
        lines.append(f"dead letters: {sum(found.dead.values()):,}{more} ({by_service}); see `edgeloop deadletters`")
    for alert in found.alerts.values():
        of = f" of {StreamKey.of(alert)}" if alert.stream else ""
        lines.append(f"alert {alert.kind.value}{of}, since {_clock(alert.since / 1000)}: {alert.message}")
    if found.foreign:
        lines += [str(one) for one in found.foreign]
        lines.append(
            "other programs have registered schemas under our subjects, which cannot be taken back: producers that ask for the newest"
            " (use.latest.version) send only its fields; give them a file of schemas/ instead (docs/schemas.md)"
        )
    if found.broken:
        lines.append(f"not working: {'; '.join(found.broken)}; logs tell why")
    elif found.starting:
        lines.append("it is being started")
    elif found.dead or found.alerts:
        lines.append("all processes work; what is told above wants a look")
    else:
        lines.append("everything works")
    return lines


def table(found: Health) -> RenderableType:
    """The processes, for people."""
    from rich.markup import escape
    from rich.table import Table

    from edgeloop_cli.health import WORKS
    from edgeloop_cli.inventory import MIB, memory_of

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("what", "pid", "state"):
        drawn.add_column(column, no_wrap=True)
    for column in ("restarts", "lag", "MiB"):
        drawn.add_column(column, no_wrap=True, justify="right")
    drawn.add_column("where", overflow="fold")
    total = 0
    for looked in found.processes:
        entry, memory = looked.entry, memory_of(looked.entry)
        total += memory or 0
        drawn.add_row(
            escape(entry.name),
            str(entry.process.pid) if entry.process else "-",
            looked.state if looked.state == WORKS else f"[red]{looked.state}[/]",
            str(entry.restarts) if entry.kind in ("service", "device") else "",
            "" if looked.lag is None else f"{looked.lag:,}",
            "-" if memory is None else f"{memory / MIB:.0f}",
            escape("  ".join(filter(None, (entry.address, entry.metrics)))),
        )
    drawn.add_row("[bold]all[/]", "", "", "", "", f"[bold]{total / MIB:.0f}[/]", "")
    return drawn


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
