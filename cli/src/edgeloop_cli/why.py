"""``edgeloop why``: chain of causes behind what a device runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_contracts.keys import belongs

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_kafka import Received
    from edgeloop_readers import RangeReader
    from edgeloop_streaming import Context

PIPED_WIDTH = 240
FURTHEST = 32  # steps; a chain has about ten


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="why")(why)


def why(
    device: Annotated[str, typer.Argument(help="Name of the device.")],
    stream: Annotated[str, typer.Option(help="Stream; by default the one that the device reported last.")] = "",
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Trace what a device runs back to its causes.

    edgeloop why device-0

    edgeloop why device-0 --stream machines --json
    """
    with exit_on_error():
        from edgeloop_cli import connection

        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")
        try:
            report = newest_report(context, tenant, stream, device)
        except LookupError as error:
            raise RefusedError(str(error.args[0])) from None
        steps = list(walk(context, report))
        if as_json:
            print(json.dumps([_as_object(record) for record in steps], indent=2))
        else:
            draw(steps)


def newest_report(context: Context, tenant: str, stream: str, device: str) -> Received[Any]:
    """The last thing that a device said.

    Raises
    ------
    RefusedError
        It never said anything.
    LookupError
        The topic does not exist.
    """
    from edgeloop_contracts import topics

    table = context.table(topics.FLEET_REPORTED)
    table.refresh()
    all_of_tenant = [record for key, record in table.items() if belongs(key, tenant)]
    found = [r for r in all_of_tenant if r.event.device_id == device and stream in ("", r.event.stream)]
    if not found:
        known = sorted({r.event.device_id for r in all_of_tenant if stream in ("", r.event.stream)})
        shown = ", ".join(known[:12]) + (f", … ({len(known)} in all)" if len(known) > 12 else "")
        raise RefusedError(
            f"no device called {device!r} has reported{f' for stream {stream}' if stream else ''}; there are: {shown or 'none'}"
        )
    # What it serves matters more than that it has started: a stream that it has a model of comes first.
    return max(found, key=lambda r: (r.event.version > 0, r.timestamp, r.offset))


def walk(context: Context, report: Received[Any]) -> Iterator[Received[Any]]:
    """The report, and each record's cause in turn, as far as they are kept.

    Labels led to an adapter, and something else to the version that serves with it: that way goes on.
    """
    from edgeloop_contracts import DeviceReport, ModelAdapter, ModelCandidate

    reader = context.reader()
    try:
        record: Received[Any] | None = report
        for _ in range(FURTHEST):
            if record is None:
                return
            yield record
            match record.event:
                case ModelCandidate() as candidate:
                    if (run := _run_of(context, record.key, candidate.request_id)) is not None:
                        yield run
                case _:
                    pass
            cause = _cause(reader, record)
            if isinstance(record.event, DeviceReport):
                if cause is not None and isinstance(cause.event, ModelAdapter):
                    yield cause
                    cause = None
                # A device that has just started names no cause, and adapters are soon replaced.
                cause = cause or _assignment(context, record)
            record = cause
    finally:
        reader.close()


def _cause(reader: RangeReader, record: Received[Any]) -> Received[Any] | None:
    """The record that caused another; ``None`` where it names none, or retention has deleted it."""
    from edgeloop_contracts import topics
    from edgeloop_readers import RangeGoneError

    from edgeloop_cli.core.lineage import place

    named = place(record.headers.get("ce_causationat", b"").decode("utf-8", "replace"))
    if named is None:
        return None
    name, partition, offset = named
    try:
        found = reader.read(topics.by_name(name), partition, offset, offset + 1, timeout=10.0)
    except (KeyError, RangeGoneError, TimeoutError):
        return None
    return found[0] if found else None


def _assignment(context: Context, record: Received[Any]) -> Received[Any] | None:
    from edgeloop_contracts import topics

    table = context.table(topics.ROLLOUT_ASSIGNMENTS)
    table.refresh()
    found = table.get(record.key)
    return found if found is not None and found.event.version == record.event.version else None


def _run_of(context: Context, key: str, request_id: str) -> Received[Any] | None:
    """End of the run behind a candidate."""
    from edgeloop_contracts import topics

    follower = context.follower([topics.TRAINING_RUNS])
    runs: list[Received[Any]] = []
    try:
        follower.refresh(lambda record: runs.append(record) if record.key == key and record.event.request_id == request_id else None)
    finally:
        follower.close()
    return runs[-1] if runs else None


def _as_object(record: Received[Any]) -> dict[str, Any]:
    from edgeloop_cli.core.event_text import causation, moment
    from edgeloop_cli.core.lineage import facts, title

    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "key": record.key}
    return {
        "what": title(record.event),
        "type": record.event.FULLNAME,
        **place,
        "time": moment(record.timestamp),
        "id": record.id,
        "correlation": record.correlation,
        "cause": causation(record.headers).get("ce_causationat", ""),
        "facts": facts(record.event),
    }


def draw(steps: list[Received[Any]]) -> None:
    """Show a walk as a tree."""
    from rich.console import Console
    from rich.markup import escape
    from rich.tree import Tree

    from edgeloop_cli.core.event_text import moment
    from edgeloop_cli.core.lineage import facts, shown, title

    root: Tree | None = None
    branch: Tree | None = None
    for record in steps:
        told_facts = ", ".join(f"{name} {shown(value)}" for name, value in facts(record.event).items())
        text = f"[bold]{escape(title(record.event))}[/]  [dim]{record.at}  {moment(record.timestamp)}[/]\n{escape(told_facts)}"
        if branch is None:
            root = branch = Tree(text)
        else:
            branch = branch.add(f"because {text}")
    if root is not None:
        # Piped, lines are not cut to the width of a terminal that is not there.
        Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH).print(root)
