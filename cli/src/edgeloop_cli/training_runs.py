"""``edgeloop runs``: training runs, their gates and versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_kafka import Received

    from edgeloop_cli.core.experiments import Experiments, Run

NEWEST = 20


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="runs")(runs)


def runs(
    run: Annotated[str, typer.Argument(help="Run to show in detail: its request id, campaign/stage, or the beginning of it.")] = "",
    stream: Annotated[str, typer.Option(help="Stream; by default all.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Number of runs, newest first; 0 means all.")] = NEWEST,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """List training runs, or show one in detail.

    The column `gate` shows the challenger's accuracy at the gate, and the champion's in brackets.

    edgeloop runs --stream machines --limit 5

    edgeloop runs 3f2a91c0/1
    """
    with exit_on_error():
        from edgeloop_cli import connection, experiments
        from edgeloop_cli.core.experiments import matching

        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")
        found = experiments.read(context)
        of_stream = found.runs_of(tenant, stream)
        if run:
            one = _one(matching(of_stream, run), run)
            origin = experiments.cause(context, one)
            if as_json:
                print(json.dumps(as_object(found, one, origin), indent=2))
            else:
                _tell(found, one, origin)
            return
        newest = of_stream[:limit] if limit else of_stream
        if as_json:
            print(json.dumps([as_object(found, each, None) for each in newest], indent=2))
        elif not newest:
            print(f"no training run{f' of stream {stream}' if stream else ''} yet")
        else:
            _list(found, newest, many=len({each.key for each in of_stream}) > 1)


def as_object(found: Experiments, run: Run, origin: Received[Any] | None) -> dict[str, Any]:
    """A run for programs: every field of its newest step, its trials and its lineage."""
    from edgeloop_cli.core.event_text import moment, plain
    from edgeloop_cli.experiments import lineage

    newest = plain(run.newest.as_dict())
    return {
        **newest,
        "tenant": run.key.tenant,
        "stream": run.key.stream,
        "request_id": run.request_id,
        "status": run.status,
        "time": moment(run.began),
        "trials": [plain(timed.event.as_dict()) for timed in run.trials],
        "refused": run.refused.reason.value if run.refused else None,
        "lineage": lineage(found, run, found.version_from(run), origin),
    }


def _one(found: list[Run], name: str) -> Run:
    if not found:
        raise RefusedError(f"no run has the id {name!r}; `edgeloop runs --limit 0` lists all")
    if len(found) > 1:
        shown = ", ".join(run.request_id for run in found[:5]) + (", …" if len(found) > 5 else "")
        raise RefusedError(f"{len(found)} runs begin with {name!r}: {shown}")
    return found[0]


def _list(found: Experiments, newest: list[Run], *, many: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    from edgeloop_cli.core.experiments import run_names
    from edgeloop_cli.experiments import draw, gate, when

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    drawn.add_column("run", no_wrap=True)
    if many:
        drawn.add_column("stream", overflow="fold")
    for column in ("asked (UTC)", "status"):
        drawn.add_column(column, no_wrap=True)
    for column in ("rows", "gate", "fit s", "version"):
        drawn.add_column(column, justify="right", no_wrap=True)
    for run, name in run_names(newest):
        event, version = run.newest, found.version_from(run)
        drawn.add_row(
            name,
            *([escape(run.key.stream)] if many else []),
            when(run.began),
            run.status.lower() + (f", {event.recalls} again" if event.recalls else ""),
            str(event.rows or ""),
            gate(event.metrics),
            f"{event.fit_seconds:.2f}" if event.fit_seconds else "",
            str(version.event.version) if version else "",
        )
    draw([drawn])


def _tell(found: Experiments, run: Run, origin: Received[Any] | None) -> None:
    from rich.markup import escape

    from edgeloop_cli.experiments import draw, fit_tables, pairs, tree, trials

    event = run.newest
    told = {
        "stream": run.key.stream,
        "status": run.status.lower() + (f": {event.reason}" if event.reason else ""),
        "rows": event.rows,
        "dataset": event.dataset_digest,
        "model": f"{event.file.digest} ({event.file.size:,} bytes)" if event.file else "",
        "recalls": f"version {event.recalls}, which did better on the new rows than a fresh fit" if event.recalls else "",
        "judged": f"{event.wins} wins, {event.losses} losses on {event.judged} rows" if event.judged else "",
        "fit seconds": round(event.fit_seconds, 3),
    }
    parts: list[Any] = [pairs(f"run {run.request_id}", {name: escape(str(value)) for name, value in told.items() if value not in ("", 0)})]
    parts += fit_tables(event)
    if run.trials:
        parts += ["", trials(run)]
    draw([*parts, "", tree(found, run, found.version_from(run), origin)])
