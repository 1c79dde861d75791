"""``edgeloop up``: the embedded stack and all services, until Ctrl-C."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from edgeloop_cli import options
from edgeloop_cli.problems import told


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="up")(up)


def up(
    devices: Annotated[int, typer.Option(min=0, help="How many devices to run on this machine; they serve every stream.")] = 4,
    data_dir: options.DataDir = options.DATA_DIR,
    kafka_port: Annotated[int, typer.Option(help="Kafka's port; 0 takes last time's, or a free one.")] = 0,
    registry_port: Annotated[int, typer.Option(help="The schema registry's port; 0 takes last time's, or a free one.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Start Kafka, the schema registry, all services and some devices, and keep them running until Ctrl-C.

    edgeloop up

    edgeloop up --devices 2 --kafka-port 9092 --data-dir /var/lib/edgeloop

    With EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_SCHEMA_REGISTRY_URL set, the services work on that cluster, and neither
    Kafka nor a registry is started.
    """
    from edgeloop_local import interrupted_by_signals, progress_for

    from edgeloop_cli import connection, inventory
    from edgeloop_cli.fleet import Fleet, planned
    from edgeloop_cli.platform import Platform

    with told(), interrupted_by_signals():
        began = time.monotonic()
        given = connection.given()
        progress = progress_for()
        with Platform(data_dir, cluster=given, kafka_port=kafka_port, registry_port=registry_port, progress=progress) as platform:
            plans = planned((f"device-{i}" for i in range(devices)), platform.data_dir)

            def start_devices(started: Platform) -> None:
                started.add_fleet(Fleet(plans, started.data_dir, started.cluster, started.keys))

            platform.start(start_devices)
            platform.wait_live()
            taken = time.monotonic() - began
            platform.observe()
            written = inventory.write(platform)
            try:
                _tell(platform.data_dir, written, taken, as_json=as_json)
                while True:
                    time.sleep(0.5)
            finally:
                inventory.forget(platform.data_dir)
                progress.say("stopping")


def _tell(data_dir: Path, found: list, taken: float, *, as_json: bool) -> None:
    from rich.console import Console

    from edgeloop_cli import inventory

    if as_json:
        print(json.dumps({"ready_s": round(taken, 2), **inventory.as_object(found)}), flush=True)
        return
    console = Console()
    console.print(inventory.table(found))
    console.print(f"ready after {taken:.1f} s; logs in {data_dir / 'logs'}; Ctrl-C stops it all", highlight=False)
    console.print(
        "next, in another terminal: edgeloop run --stream FILE.csv --label COLUMN; edgeloop topics; edgeloop tail TOPIC", highlight=False
    )
