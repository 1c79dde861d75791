"""``edgeloop train``: requests a fit."""

from __future__ import annotations

import json
import secrets
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from edgeloop_contracts import StreamKey
from edgeloop_contracts.keys import belongs

from edgeloop_cli import options
from edgeloop_cli.errors import FailedError, RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_contracts import StartTraining
    from edgeloop_streaming import Context

    from edgeloop_cli.core.experiments import Experiments, Run

PATIENCE_S = 60.0
LOOK_S = 0.2


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="train")(train)


def train(
    stream: Annotated[str, typer.Argument(help="Name of the stream.")],
    rows: Annotated[int, typer.Option(min=0, help="Number of labelled rows to wait for; 0 means `first` of the policy.")] = 0,
    seed: Annotated[
        int | None, typer.Option(min=0, max=options.MOST_SEED, help="Seed of this fit and all later ones; the trainer's seed by default.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Time to wait for the result; 0 means no wait.")] = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Request a fit now.

    The fit takes the newest labelled rows. Devices get the model if it passes the gate.

    edgeloop train pumps

    edgeloop train pumps --rows 1000 --timeout 0
    """
    from edgeloop_local import interrupted_by_signals

    with exit_on_error(), interrupted_by_signals("no longer waiting; the request goes on"):
        from edgeloop_contracts import StartTraining, topics

        from edgeloop_cli import connection

        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")
        _check_defined(context, tenant, stream)
        command = StartTraining(tenant=tenant, stream=stream, command_id=f"cli-{secrets.token_hex(4)}", rows=rows, seed=seed)
        publisher = context.publisher()
        publisher.publish(topics.RETRAINING_COMMANDS, topics.RETRAINING_COMMANDS.key_of(command), command)
        if publisher.flush() or publisher.failures():
            raise FailedError(f"the command was not written: {(publisher.failures() or ['the broker did not accept it in time'])[0]}")
        if timeout:
            _wait(context, command, timeout, as_json=as_json)
        elif as_json:
            print(json.dumps({"command_id": command.command_id}))
        else:
            print(f"requested as {command.command_id}; `edgeloop runs --stream {stream}` shows the result")


def _check_defined(context: Context, tenant: str, stream: str) -> None:
    from edgeloop_contracts import topics

    try:
        table = context.table(topics.STREAMS)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    table.refresh()
    if table.get(StreamKey(tenant, stream)) is None:
        others = sorted(key.partition("/")[2] for key, _ in table.items() if belongs(key, tenant))
        raise RefusedError(f"{tenant} has no stream {stream}; it has {', '.join(others) or 'none'}")


def _wait(context: Context, command: StartTraining, timeout: float, *, as_json: bool) -> None:
    """Print the state of the request until it has ended."""
    from edgeloop_cli.core.experiments import asked_by
    from edgeloop_cli.experiments import following
    from edgeloop_cli.training_runs import as_object

    said, deadline = "", time.monotonic() + timeout
    with following(context) as refreshed:
        try:
            while True:
                found = refreshed()
                run = asked_by(found, StreamKey.of(command), command.command_id)
                now, ended = _state(found, run, command)
                if now != said and not as_json:
                    print(now)
                said = now
                if ended:
                    break
                if time.monotonic() > deadline:
                    raise FailedError(
                        f"not done within {timeout:g} s; the request goes on; `edgeloop runs --stream {command.stream}` shows it"
                    )
                time.sleep(LOOK_S)
        except KeyboardInterrupt:
            print(f"the request goes on; `edgeloop runs --stream {command.stream}` shows the result", file=sys.stderr)
            raise
    assert run is not None
    if as_json:
        print(json.dumps(as_object(found, run, None), indent=2))
    if run.status == "FAILED" or run.refused is not None:
        raise FailedError(f"run {run.request_id} gave no version: {run.refused.message if run.refused else run.newest.reason}")


def _state(found: Experiments, run: Run | None, command: StartTraining) -> tuple[str, bool]:
    """State of the request in one line, and whether it has ended."""
    if run is None:
        rows = f"{command.rows:,} labelled rows are" if command.rows else "enough labelled rows (the policy's `first`) are"
        return f"requested as {command.command_id}: begins when {rows} there", False
    event, version = run.newest, found.version_from(run)
    name = f"run {run.request_id}"
    match run.status:
        case "WAITING":
            return f"{name} is being fitted", False
        case "FITTED":
            return f"{name} was fitted on {event.rows:,} rows in {event.fit_seconds:.2f} s; labelled rows judge it at the gate", False
        case "PROMOTED":
            if version is not None:
                return f"version {version.event.version}: promoted, {event.rows:,} rows, {version.event.file.size / 1024:.0f} KiB", True
            if run.refused is not None:
                return f"{name}: the registry refused it ({run.refused.reason.value})", True
            return f"{name} is promoted and waits for the model registry", False
        case "REJECTED":
            return f"{name} was rejected: {event.reason or 'it was no better on the rows that judged it'}", True
        case _:
            return f"{name} failed", True
