"""``edgeloop devices``: state of each device."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_contracts.keys import belongs

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_contracts import Assignment
    from edgeloop_replay.timed_event import Timed
    from edgeloop_streaming import Context

    from edgeloop_cli.core.devices import Device
    from edgeloop_cli.core.members import Selector

SILENCE_S = 600.0
WATCH_S = 2.0


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="devices")(list_devices)


def list_devices(
    stream: Annotated[str, typer.Option(help="Stream; by default all.")] = "",
    group: Annotated[str, typer.Option(help="Only devices of this group.")] = "",
    labels: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Only devices with this label; repeatable.")
    ] = None,
    health: Annotated[str, typer.Option(help="Only devices of this health: unheard, online, late or lost.")] = "",
    silent: Annotated[bool, typer.Option("--silent", help="Only silent devices.")] = False,
    silence: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Time without a row, report or heartbeat after which a device is silent.")
    ] = SILENCE_S,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Repeat every two seconds until Ctrl-C.")] = False,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """List devices with assigned and running versions.

    edgeloop devices --stream pumps

    edgeloop devices --group north --label site=hamburg --health lost

    edgeloop devices --silent --silence 60
    """
    with exit_on_error():
        from edgeloop_cli import connection

        selector = _selector(group, labels, health)
        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")

        def chosen() -> list[Device]:
            return [
                device
                for device in read(context, silence)
                if belongs(device.key, tenant, stream) and (device.silent or not silent) and selector.takes(device.known)
            ]

        while watch:
            found = chosen()
            if as_json:
                print(json.dumps([as_object(device) for device in found]), flush=True)
            else:
                from rich.console import Console

                Console().clear()
                _tell(found, stream, silent=silent)
            time.sleep(WATCH_S)
        found = chosen()
        if as_json:
            print(json.dumps([as_object(device) for device in found], indent=2))
        else:
            _tell(found, stream, silent=silent)


def _selector(group: str, labels: list[str] | None, health: str) -> Selector:
    from edgeloop_contracts import Health

    from edgeloop_cli.core.members import Selector
    from edgeloop_cli.device_steps import given_labels

    if health and health.upper() not in Health.__members__:
        raise RefusedError(f"--health: expected unheard, online, late or lost; given {health!r}")
    return Selector(group, given_labels(labels), health)


def _tell(found: list[Device], stream: str, *, silent: bool) -> None:
    if found:
        _draw(found)
    else:
        print(f"there is no {'silent ' if silent else ''}device{f' of stream {stream}' if stream else ''}")


def read(context: Context, silence: float = SILENCE_S) -> list[Device]:
    """Every device, as it is known now.

    Raises
    ------
    RefusedError
        The topics are not there.
    """
    from edgeloop_contracts import DeviceReport, topics
    from edgeloop_readers.key_activity import last_written
    from edgeloop_replay.timed_event import Timed

    from edgeloop_cli.core.devices import devices
    from edgeloop_cli.fleet_service import known_devices

    assigned: dict[str, Assignment] = {}
    reports: dict[str, Timed] = {}

    def take(record: Any) -> None:
        if isinstance(record.event, DeviceReport):
            reports[record.key] = Timed(record.event, record.timestamp, record.id, record.at)
        else:
            assigned[record.key] = record.event

    now = int(time.time() * 1000)
    try:
        follower = context.follower([topics.ROLLOUT_ASSIGNMENTS, topics.FLEET_REPORTED])
        try:
            follower.refresh(take)
        finally:
            follower.close()
        rows = last_written(context.settings, topics.OBSERVATIONS, now - int(silence * 1000))
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    return devices(assigned, reports, rows, now, int(silence * 1000), known_devices(context))


def as_object(device: Device) -> dict[str, Any]:
    """For programs."""
    from edgeloop_cli.core.event_text import moment

    tenant, stream, name = [*device.key.split("/", 2), "", ""][:3]
    report, known = device.report, device.known
    return {
        "tenant": tenant,
        "stream": stream,
        "device": name,
        "assigned": device.assigned,
        "version": report.version if report else None,
        "adapter": report.adapter if report else None,
        "status": report.status.value if report else None,
        "heard": moment(device.heard) if device.heard else None,
        "silent": device.silent,
        "enrolment": known.member.enrolment.value if known else None,
        "health": known.state.value if known else None,
        "group": known.member.device_group if known else "",
        "labels": dict(known.member.labels) if known else {},
        "twins": list(known.health.twins) if known and known.health else [],
        "states": list(device.states),
    }


def _draw(found: list[Device]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from edgeloop_cli.experiments import draw, when

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    drawn.add_column("device", overflow="fold")
    for column in ("told", "runs", "adapter"):
        drawn.add_column(column, justify="right", no_wrap=True)
    drawn.add_column("health", no_wrap=True)
    drawn.add_column("group", overflow="fold")
    drawn.add_column("last heard (UTC)", no_wrap=True)
    drawn.add_column("", overflow="fold")
    for device in found:
        report, known = device.report, device.known
        drawn.add_row(
            escape(device.key.partition("/")[2].lstrip("/")),
            str(device.assigned or "-"),
            str(report.version or "-") if report else "-",
            str(report.adapter) if report and report.adapter else "-",
            known.state.value.lower() if known else "-",
            escape(known.member.device_group or "-") if known else "-",
            when(device.heard) if device.heard else "never",
            escape("; ".join(device.states)),
        )
    draw([drawn])
