"""``edgeloop deadletters``: counts, lists and shows dead letters."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_contracts import StreamKey

from edgeloop_cli import options
from edgeloop_cli.core.letters import Filter, age_ms, hex_lines, place_of, stream_of
from edgeloop_cli.errors import RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_contracts import DeadLetter
    from edgeloop_kafka import Codec
    from edgeloop_readers.dead_letter_reader import Counts, DeadLetters, Letter
    from edgeloop_streaming import Context

NEWEST = 20

Service = Annotated[str, typer.Option(help="Service; by default all.")]
Reason = Annotated[str, typer.Option(help="Reason, such as NOT_AVRO.")]
Stream = Annotated[str, typer.Option(help="Stream: name, or tenant/name.")]
Topic = Annotated[str, typer.Option(help="Topic of the record.")]
Older = Annotated[str, typer.Option(metavar="AGE", help="Minimum age, such as 90s, 15m, 2h or 3d.")]
Newer = Annotated[str, typer.Option(metavar="AGE", help="Maximum age.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    group.callback()(deadletters)
    group.command(name="list")(list_letters)
    group.command(name="show")(show)
    app.add_typer(group, name="deadletters")


def deadletters(
    context: typer.Context,
    service: Service = "",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Count dead letters by service and reason.

    edgeloop deadletters

    edgeloop deadletters list --reason UNKNOWN_STREAM --newer 2h

    edgeloop deadletters show deadletters.ingestion/0/17
    """
    if context.invoked_subcommand is not None:
        return
    with exit_on_error():
        from edgeloop_readers.dead_letter_reader import count_dead_letters

        here = reached(data_dir, bootstrap, schema_registry)
        _tell(count_dead_letters(here.settings, here.codec, services(service)), as_json=as_json)


def list_letters(
    service: Service = "",
    reason: Reason = "",
    stream: Stream = "",
    topic: Topic = "",
    older: Older = "",
    newer: Newer = "",
    count: Annotated[int, typer.Option(min=0, help="Number of letters, newest first; 0 means all.")] = NEWEST,
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """List dead letters with their places, the newest first."""
    with exit_on_error():
        from heapq import nlargest

        here = reached(data_dir, bootstrap, schema_registry)
        meant = filter_of(reason, stream, topic, older, newer)
        found = (letter for name in services(service) for letter in letters_of(here, name, meant))
        newest = nlargest(count, found, key=_age) if count else sorted(found, key=_age, reverse=True)
        if as_json:
            print(json.dumps([as_object(letter) for letter in newest], indent=2))
        elif not newest:
            print("no dead letter matches")
        for letter in () if as_json else newest:
            _line(letter)


def show(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="Place as shown by `list`: deadletters.ingestion/0/17.")],
    whole: Annotated[bool, typer.Option("--all", help="Show all bytes, not only the first 512.")] = False,
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Show one dead letter: reason, origin, decoded event and bytes."""
    with exit_on_error():
        here = reached(data_dir, bootstrap, schema_registry)
        letter = _at(here, place)
        decoded = _decoded(here.codec, letter.event)
        if as_json:
            print(
                json.dumps(
                    {**as_object(letter), **decoded, "value": None if letter.event.value is None else letter.event.value.hex()}, indent=2
                )
            )
            return
        _line(letter)
        for name, held in letter.event.headers.items():
            print(f"  header {name}: {held.decode('utf-8', 'replace')}")
        if "event" in decoded:
            print(f"  {decoded['type']}: {json.dumps(decoded['event'])}")
        else:
            print(f"  cannot be decoded: {decoded['undecodable']}")
        value = letter.event.value or b""
        cut = f", of which the first {len(value):,} are kept" if letter.event.cut else ""
        print(f"  {letter.event.value_size or 0:,} bytes{cut}:")
        for line in hex_lines(value, len(value) if whole else 512):
            print(f"  {line}")


def reached(data_dir: Path, bootstrap: str, schema_registry: str) -> Context:
    """The reader of the cluster."""
    from edgeloop_cli import connection

    return connection.required(data_dir, bootstrap, schema_registry).context("cli")


def services(named: str) -> tuple[str, ...]:
    """The service of that name, else all that have dead letters.

    Raises
    ------
    RefusedError
        It has none.
    """
    from edgeloop_contracts import topics

    if named and named not in topics.STATE_KINDS:
        raise RefusedError(f"{named} has no dead letters; those that have are {', '.join(topics.STATE_KINDS)}")
    return (named,) if named else tuple(topics.STATE_KINDS)


def filter_of(reason: str, stream: str, topic: str, older: str, newer: str, places: Iterable[tuple[int, int]] = ()) -> Filter:
    """Meaning of some options.

    Raises
    ------
    RefusedError
        An age is none.
    """
    now = int(time.time() * 1000)
    try:
        since = now - age_ms(newer) if newer else 0
        until = now - age_ms(older) if older else None
    except ValueError as error:
        raise RefusedError(str(error)) from None
    return Filter(reason=reason, stream=stream, topic=topic, since=since, until=until, places=frozenset(places))


def takes(meant: Filter, letter: Letter, codec: Codec) -> bool:
    """Whether a letter is meant; its record is decoded only where a stream is asked for."""
    event = letter.event
    stream = stream_named(codec, event) if meant.stream else ""
    return meant.takes(event.reason, stream, event.topic, letter.timestamp, (letter.partition, letter.offset))


def stream_named(codec: Codec, event: DeadLetter) -> str:
    """``tenant/stream`` that a letter's record names in itself, else in its key."""
    named = _decoded(codec, event).get("event", {})
    tenant, stream = named.get("tenant"), named.get("stream")
    return StreamKey(tenant, stream) if tenant and stream else stream_of(event.key)


def letters_of(here: Context, service: str, meant: Filter) -> Iterator[Letter]:
    """Letters of a service that are meant, in their order.

    Raises
    ------
    RefusedError
        Their topics do not exist.
    """
    with opened(here, service) as box:
        yield from (letter for letter in box.letters() if takes(meant, letter, here.codec))


@contextmanager
def opened(here: Context, service: str) -> Iterator[DeadLetters]:
    """The dead letters of a service.

    Raises
    ------
    RefusedError
        It has none, or their topics do not exist.
    """
    from edgeloop_readers.dead_letter_reader import DeadLetters

    try:
        box = DeadLetters(here.settings, here.codec, service)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    try:
        yield box
    finally:
        box.close()


def as_object(letter: Letter) -> dict[str, Any]:
    """A letter for programs, without its bytes."""
    from edgeloop_cli.core.event_text import moment, plain

    event = letter.event
    return {
        "place": letter.place,
        "time": moment(letter.timestamp),
        "service": letter.service,
        "reason": event.reason,
        "message": event.message,
        "from": f"{event.topic}/{event.partition}/{event.offset}",
        "key": plain(event.key),
        "headers": plain(event.headers),
        "bytes": event.value_size,
        "cut": event.cut,
        "redriven": letter.redriven,
        "redriven_from": event.redriven,
    }


def _age(letter: Letter) -> int:
    return letter.timestamp


def _at(here: Context, text: str) -> Letter:
    try:
        service, partition, offset = place_of(text)
        with opened(here, service) as box:
            return box.at(partition, offset)
    except (ValueError, LookupError) as error:
        raise RefusedError(str(error.args[0])) from None


def _decoded(codec: Codec, event: DeadLetter) -> dict[str, Any]:
    """Type and event of a letter's record, or why there is none."""
    from edgeloop_contracts import topics
    from edgeloop_kafka.codec import UndecodableError, UnknownKindError

    from edgeloop_cli.core.event_text import plain

    try:
        found = codec.decode(topics.by_name(event.topic), event.value or b"", event.headers)
    except (UndecodableError, UnknownKindError, KeyError) as error:
        return {"undecodable": str(error.args[0])}
    return {"type": found.FULLNAME, "event": plain(found.as_dict())}


def _line(letter: Letter) -> None:
    shown = as_object(letter)
    done = "  redriven" if letter.redriven else ""
    print(f"{shown['place']}  {shown['time']}  {shown['reason']}  from {shown['from']}  {shown['key']}{done}")
    print(f"  {letter.event.message}")


def _tell(found: Counts, *, as_json: bool) -> None:
    from edgeloop_cli.core.event_text import moment

    if as_json:
        rows = [
            {
                "service": one.service,
                "reason": one.reason,
                "waiting": one.waiting,
                "redriven": one.redriven,
                "oldest": moment(one.oldest) if one.waiting else None,
                "newest": moment(one.newest) if one.waiting else None,
            }
            for one in found.counts
        ]
        print(json.dumps({"waiting": found.waiting, "complete": found.complete, "missing": found.missing, "counts": rows}, indent=2))
        return
    if not found.counts:
        print("there are no dead letters")
    for one in found.counts:
        ages = f"  {moment(one.oldest)} to {moment(one.newest)}" if one.waiting else ""
        print(f"{one.service}  {one.reason}  {one.waiting:,} wait, {one.redriven:,} redriven{ages}")
    if not found.complete:
        print("the count was stopped after too long; there are more")
    if found.missing:
        print(f"topics are missing; run `edgeloop topics --apply`: {', '.join(found.missing)}")
