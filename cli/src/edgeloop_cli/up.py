"""``edgeloop up`` and ``edgeloop down``: the embedded stack and all services."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeloop_cli import options
from edgeloop_cli.errors import FailedError, RefusedError, exit_on_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeloop_cli.inventory import Entry, Running

STOPS_S = 60.0


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="up")(up)
    app.command(name="down")(down)


def up(
    devices: Annotated[int, typer.Option(min=0, help="Number of devices on this machine; they serve every stream.")] = 4,
    data_dir: options.DataDir = options.DATA_DIR,
    kafka_port: Annotated[int, typer.Option(min=0, max=65535, help="Kafka port; 0 means that of last time, or a free one.")] = 0,
    registry_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Schema registry port; 0 means that of last time, or a free one.")
    ] = 0,
    wait: Annotated[
        bool, typer.Option("--wait", help="Run in the background and return when all processes are ready; `edgeloop down` stops them.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Time limit for the servers, and then the services, to become ready.")
    ] = 90.0,
    as_json: options.Json = False,
) -> None:
    """Start Kafka, the schema registry, services and devices.

    edgeloop up

    edgeloop up --wait && edgeloop status

    edgeloop up --devices 2 --kafka-port 9092 --data-dir /var/lib/edgeloop

    With EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_SCHEMA_REGISTRY_URL set, the services work on that cluster, and neither
    Kafka nor a registry is started.
    """
    from edgeloop_local import interrupted_by_signals, progress_for

    if wait:
        with exit_on_error(), interrupted_by_signals("stopping what was started"):
            _in_background(data_dir, as_json=as_json)
        return
    with exit_on_error(), interrupted_by_signals("stopping devices, services and servers"):
        from edgeloop_cli import connection, inventory
        from edgeloop_cli.fleet import Fleet, planned
        from edgeloop_cli.platform import Platform

        began = time.monotonic()
        given = connection.given()
        progress = progress_for()
        with (
            inventory.Inventory(data_dir, "up") as kept,
            Platform(
                data_dir, cluster=given, kafka_port=kafka_port, registry_port=registry_port, progress=progress, patience=timeout
            ) as platform,
        ):
            kept.entries = lambda: inventory.of_platform(platform)
            plans = planned((f"device-{i}" for i in range(devices)), platform.data_dir)

            def start_devices(started: Platform) -> None:
                started.add_fleet(Fleet(plans, started.data_dir, started.cluster))

            platform.start(start_devices)
            platform.wait_live()
            platform.observe()
            _tell(platform.data_dir, kept.tell(inventory.STARTING), time.monotonic() - began, as_json=as_json)
            try:
                platform.wait_observers()
                kept.tell(inventory.RUNNING)
                while True:
                    time.sleep(0.5)
            finally:
                kept.tell(inventory.STOPPING)


def down(data_dir: options.DataDir = options.DATA_DIR) -> None:
    """Stop everything that `edgeloop up` started."""
    from edgeloop_local import interrupted_by_signals

    with exit_on_error(), interrupted_by_signals("waiting no longer; what stops goes on stopping"):
        found = _running(data_dir)
        if found is None:
            raise RefusedError(f"no `edgeloop up` runs on {data_dir}")
        print(f"stopping `edgeloop up`, process {found.owner.pid}", file=sys.stderr)
        if process := found.owner.find():
            process.terminate()
        deadline = time.monotonic() + STOPS_S
        while found.owner.find() is not None:
            if time.monotonic() > deadline:
                raise FailedError(f"process {found.owner.pid} still runs after {STOPS_S:.0f} s; see {data_dir / 'logs'}")
            time.sleep(0.1)


def _running(data_dir: Path) -> Running | None:
    from edgeloop_cli import inventory

    return next((each for each in inventory.read(data_dir) if each.command == "up"), None)


def _in_background(data_dir: Path, *, as_json: bool) -> None:
    """Start the same command without ``--wait`` in a session of its own, and return when it says that all works."""
    from edgeloop_cli import inventory

    if (found := _running(data_dir)) is not None:
        raise RefusedError(f"`edgeloop up` runs on {data_dir} already, process {found.owner.pid}")
    log = (data_dir / "logs" / "up.log").absolute()
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--wait", "--json")]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "edgeloop_cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    shown = 0
    try:
        while True:
            ended = process.poll()
            shown = _pass_on(log, shown)
            found = _running(data_dir)
            if ended is not None:
                raise FailedError(f"`edgeloop up` ended with exit code {ended} while starting (log: {log})")
            if found is not None and found.owner.pid == process.pid and found.state == inventory.RUNNING:
                break
            time.sleep(0.1)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    _tell(data_dir, found.entries, time.monotonic() - began, as_json=as_json, end="`edgeloop down` stops it all")


def _pass_on(log: Path, shown: int) -> int:
    """Show what a start in the background has said since; give back how much of it has been shown.

    What it prints when it is ready is left out.
    """
    text = log.read_bytes()[shown:]
    whole = text[: text.rfind(b"\n") + 1]
    for line in whole.decode("utf-8", "replace").splitlines():
        if line.startswith("what  "):
            break
        print(line, file=sys.stderr)
    return shown + len(whole)


def _tell(data_dir: Path, found: Sequence[Entry], taken: float, *, as_json: bool, end: str = "Ctrl-C stops it all") -> None:
    from rich.console import Console

    from edgeloop_cli import inventory
    from edgeloop_cli.health import WORKS, Health, ProcessHealth
    from edgeloop_cli.status import table

    if as_json:
        print(json.dumps({"ready_s": round(taken, 2), **inventory.as_object(found)}), flush=True)
        return
    console = Console()
    console.print(table(Health(processes=[ProcessHealth(entry, WORKS, None) for entry in found])))
    console.print(f"ready after {taken:.1f} s; logs in {data_dir / 'logs'}; {end}", highlight=False)
    console.print(
        "next, in another terminal: edgeloop run --stream FILE.csv --label COLUMN; edgeloop topics; edgeloop tail TOPIC", highlight=False
    )
