"""``edgeloop status``: what runs, and how it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from edgeloop_cli import options
from edgeloop_cli.problems import FAILED, told

if TYPE_CHECKING:
    from edgeloop_cli.inventory import Entry


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status")(status)


def status(data_dir: options.DataDir = options.DATA_DIR, as_json: options.Json = False) -> None:
    """Show what `edgeloop up` runs, with its memory, and whether it works. Exit code 1 if nothing runs or something does not work."""
    from rich.console import Console

    with told():
        from edgeloop_local import LocalStack

        from edgeloop_cli import connection, inventory

        found = inventory.read(data_dir)
        stack = LocalStack.attached(data_dir)
        up = bool(found) and (stack is not None or connection.given() is not None)
        broken = [entry.name for entry in found if up and not _works(entry)]
        if as_json:
            print(json.dumps({"running": up, "not_working": broken, **(inventory.as_object(found) if up else {})}, indent=2))
        elif not up:
            print(f"nothing runs on {data_dir}; start it with `edgeloop up`")
        else:
            Console().print(inventory.table(found))
            print(f"not working: {', '.join(broken)}; their logs tell why" if broken else "everything works")
        if not up or broken:
            raise typer.Exit(FAILED)


def _works(entry: Entry) -> bool:
    from edgeloop_local.readiness import http_answers

    if entry.kind == "command":
        return entry.process.find() is not None
    # A device without a model is not ready, and works all the same. A service that was restarted has another process.
    path = {"service": "/readyz", "device": "/healthz"}.get(entry.kind)
    if path is None:
        return entry.process.find() is not None
    return http_answers(int(entry.metrics.removesuffix("/metrics").rpartition(":")[2]), path)
