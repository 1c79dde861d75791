"""``edgeloop models``: model versions and the devices that run them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_contracts import DeviceKey

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_contracts import ModelVersion
    from edgeloop_kafka import Received
    from edgeloop_replay.timed_event import Timed

    from edgeloop_cli.core.experiments import Experiments

NEWEST = 20
DIGEST = 12


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="models")(models)


def models(
    version: Annotated[str, typer.Argument(help="Version to show in detail: number, stream/number, or the beginning of its digest.")] = "",
    stream: Annotated[str, typer.Option(help="Stream; by default all.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Number of versions, newest first; 0 means all.")] = NEWEST,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """List model versions, or show one in detail.

    A star marks the newest version of a stream. The gate's column is as in `edgeloop runs`. A device counts by its last
    report; it is silent when nothing was heard of it for ten minutes, see `edgeloop devices`.

    edgeloop models --stream machines

    edgeloop models machines/3 --json
    """
    with exit_on_error():
        from edgeloop_cli import connection, devices, experiments

        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")
        found = experiments.read(context)
        of_stream = found.versions_of(tenant, stream)
        if version:
            one = _one(matching(of_stream, version), version)
            origin = experiments.cause(context, found.run_behind(one.event))
            if as_json:
                print(json.dumps(as_object(found, one, origin), indent=2))
            else:
                _tell(found, one, origin)
            return
        newest = of_stream[:limit] if limit else of_stream
        if as_json:
            print(json.dumps([as_object(found, each, None) for each in newest], indent=2))
        elif not newest:
            print(f"there is no version{f' of stream {stream}' if stream else ''} yet")
        else:
            _list(found, newest, {device.key for device in devices.read(context) if device.silent})


def matching(versions: list[Timed], name: str) -> list[Timed]:
    """Versions that a name means: a number, ``stream/number``, or the beginning of a digest (of at least six characters)."""
    stream, _, number = name.rpartition("/")
    if number.isdigit() and (named := [t for t in versions if t.event.version == int(number) and stream in ("", t.event.stream)]):
        return named
    return [timed for timed in versions if len(name) >= 6 and timed.event.file.digest.startswith(name)]


def as_object(found: Experiments, version: Timed, origin: Received[Any] | None) -> dict[str, Any]:
    """A version for programs: every field of its event, whether it is the champion, and its lineage."""
    from edgeloop_cli.core.event_text import moment, plain
    from edgeloop_cli.experiments import lineage

    return {
        **plain(version.event.as_dict()),
        "time": moment(version.timestamp),
        "champion": found.champion(version.event),
        "lineage": lineage(found, found.run_behind(version.event), version, origin),
    }


def _one(found: list[Timed], name: str) -> Timed:
    if not found:
        raise RefusedError(f"no version has the name {name!r}; `edgeloop models --limit 0` lists all")
    if len(found) > 1:
        shown = ", ".join(f"{timed.event.stream}/{timed.event.version}" for timed in found[:5]) + (", …" if len(found) > 5 else "")
        raise RefusedError(f"{name!r} matches {len(found)} versions: {shown}")
    return found[0]


def _list(found: Experiments, newest: list[Timed], silent: Collection[str]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from edgeloop_cli.experiments import draw, gate, when

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    drawn.add_column("model", overflow="fold")
    drawn.add_column("made (UTC)", no_wrap=True)
    for column in ("rows", "gate", "KiB", "devices"):
        drawn.add_column(column, justify="right", no_wrap=True)
    drawn.add_column("digest", no_wrap=True)
    for timed in newest:
        event = timed.event
        drawn.add_row(
            escape(f"{event.stream}/{event.version}") + ("*" if found.champion(event) else ""),
            when(timed.timestamp),
            str(event.rows),
            gate(event.metrics),
            f"{event.file.size / 1024:.0f}",
            _counted(event, found.devices(event), silent),
            event.file.digest[:DIGEST],
        )
    draw([drawn])


def _counted(event: ModelVersion, names: list[str], silent: Collection[str]) -> str:
    """Number of devices that run a version by their last report, and number of silent ones among them."""
    quiet = sum(DeviceKey(event.tenant, event.stream, name) in silent for name in names)
    return f"{len(names)} ({quiet} silent)" if quiet else str(len(names))


def _tell(found: Experiments, version: Timed, origin: Received[Any] | None) -> None:
    from rich.markup import escape

    from edgeloop_cli.experiments import draw, fit_tables, pairs, tree

    event = version.event
    told = {
        "classes": escape(", ".join(event.classes)),
        "dataset": event.dataset_digest,
        "digest": event.file.digest,
        "rows": event.rows,
        "signed by": event.signed.key_id,
        "size": f"{event.file.size:,} bytes",
        "stream definition": event.definition_version,
        **({"recalls": f"version {event.recalls}"} if event.recalls else {}),
        "beat": f"version {event.beat_version}" if event.beat_version else "the majority class",
    }
    parts: list[Any] = [pairs(f"version {event.version} of {event.stream}{', the newest' if found.champion(event) else ''}", told)]
    parts += fit_tables(event)
    draw([*parts, "", tree(found, found.run_behind(event), version, origin)])
