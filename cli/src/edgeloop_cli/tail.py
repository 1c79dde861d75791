"""``edgeloop tail``: decoded events of a topic."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_contracts import Topic
    from edgeloop_readers.topic_tail import Shown
    from rich.console import Console

NEWEST = 10


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="tail")(tail)


def _topic_names() -> list[str]:
    from edgeloop_contracts import topics

    return sorted(topic.name for topic in topics.all_topics())


def tail(
    topic: Annotated[str, typer.Argument(help="Topic; `edgeloop topics` lists all.", autocompletion=_topic_names)],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Start with the oldest event.")] = False,
    kind: Annotated[str, typer.Option(help="Type of the events, such as DriftSignal.")] = "",
    count: Annotated[int, typer.Option(min=0, help="Number of events; 0 means all.")] = NEWEST,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for new events until Ctrl-C.")] = False,
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Print the newest events of a topic.

    edgeloop tail drift.signals --kind DriftSignal

    edgeloop tail observations --from-beginning --count 100 --json

    edgeloop tail model.events --follow
    """
    from edgeloop_local import interrupted_by_signals
    from rich.console import Console

    with exit_on_error(), interrupted_by_signals("stopping to read"):
        from edgeloop_contracts import topics
        from edgeloop_readers.topic_tail import TopicTail

        from edgeloop_cli import connection

        try:
            wanted = topics.by_name(topic)
        except KeyError as error:
            raise RefusedError(str(error.args[0])) from None
        _check_kind(wanted, kind)
        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")
        try:
            reader = TopicTail(context.settings, context.codec, wanted)
        except LookupError as error:
            raise RefusedError(str(error.args[0])) from None
        console = Console(soft_wrap=True)
        try:
            whole = from_beginning or bool(kind)  # how far back the newest of one kind lie is not known
            existing = list(reader.existing(0 if whole else count))
            shown = [one for one in existing if _is(one, kind)]
            for one in (shown[:count] if from_beginning else shown[-count:]) if count else shown:
                _print(one, console, as_json=as_json)
            if not shown:
                print(_empty_message(topic, kind, len(existing), follow=follow), file=sys.stderr)
            while follow:
                for one in filter(lambda one: _is(one, kind), reader.poll(0.2)):
                    _print(one, console, as_json=as_json)
        finally:
            reader.close()


def _check_kind(topic: Topic, kind: str) -> None:
    names = [each.FULLNAME.rpartition(".")[2] for each in topic.kinds]
    if kind and kind.rpartition(".")[2] not in names:
        raise RefusedError(f"--kind: {topic.name} carries no {kind!r}; it carries {', '.join(names)}")


def _empty_message(topic: str, kind: str, others: int, *, follow: bool) -> str:
    """Message if no event is printed."""
    then = "; waiting for new ones" if follow else ""
    if kind and others:
        return f"{topic} has no {kind}, only {others:,} other records{then}"
    return f"{topic} has no records{then}"


def _is(one: Shown, kind: str) -> bool:
    from edgeloop_readers.topic_tail import Odd

    return not kind or (not isinstance(one, Odd) and one.event.FULLNAME.rpartition(".")[2] == kind.rpartition(".")[2])


def _print(one: Shown, console: Console, *, as_json: bool) -> None:
    from edgeloop_readers.topic_tail import Odd
    from rich.markup import escape

    from edgeloop_cli.core.event_text import brief, causation, moment, plain, printable, set_fields

    place = {"topic": one.topic, "partition": one.partition, "offset": one.offset, "time": moment(one.timestamp), "key": one.key}
    if isinstance(one, Odd):
        if as_json:
            print(json.dumps({**place, "event": None, "reason": one.reason}), flush=True)
        else:
            console.print(
                f"{one.topic}/{one.partition}/{one.offset}  {escape(brief(one.key))}  [yellow]{escape(printable(one.reason))}[/]",
                highlight=False,
            )
        return
    headers = causation(one.headers)
    if as_json:
        print(json.dumps({**place, "type": one.event.FULLNAME, "headers": headers, "event": plain(one.event.as_dict())}), flush=True)
        return
    kind = one.event.FULLNAME.rpartition(".")[2]
    cause = headers.get("ce_causationat", "")
    console.print(
        f"[bold]{kind}[/]  {one.at}  {escape(brief(one.key))}  [dim]{moment(one.timestamp)}[/]"
        + (f"  [dim]because of[/] {escape(brief(cause))}" if cause else ""),
        highlight=False,
    )
    console.print("  " + escape(", ".join(f"{name}={brief(value)}" for name, value in set_fields(one.event).items())), highlight=False)
