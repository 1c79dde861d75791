"""``edgeloop redrive``: sends the records of dead letters to their services again."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.core.letters import Filter, place_of
from edgeloop_cli.deadletters import Newer, Older, Reason, Service, Stream, Topic, filter_of, letters_of, opened, reached, services, takes
from edgeloop_cli.errors import FailedError, RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_streaming import Context
    from edgeloop_streaming.redrive import Redriven

MOST_TEXT = 1_000

Why = Annotated[str, typer.Option(help="Reason, which is recorded.")]
Who = Annotated[str, typer.Option(help="Person who requests it, recorded; by default the user of this machine.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="redrive")(redrive)


def redrive(
    why: Why,
    places: Annotated[list[str] | None, typer.Argument(metavar="[PLACE]...", help="Places as shown by `deadletters list`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters that were not redriven yet.")] = False,
    service: Service = "",
    reason: Reason = "",
    stream: Stream = "",
    topic: Topic = "",
    older: Older = "",
    newer: Newer = "",
    who: Who = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Send the records of dead letters to their services again. Each letter is redriven once, however often this runs.

    edgeloop redrive --service ingestion --reason UNKNOWN_STREAM --why "the stream is registered now"

    edgeloop redrive deadletters.ingestion/0/17 --why "tried again"

    edgeloop redrive --all --why "release 2.1 reads these"
    """
    with exit_on_error():
        chosen = _places(places or [])
        if not (chosen or everything or service or reason or stream or topic or older or newer):
            raise RefusedError("expected places, --service, --reason, --stream, --topic, --older, --newer, or --all")
        who = requester(who)
        why = recorded_text("--why", why)
        here = reached(data_dir, bootstrap, schema_registry)
        totals = {"redriven": 0, "already": 0, "cut": 0}
        by_service: dict[str, dict[str, int]] = {}
        for name in services(service):
            if chosen and name not in chosen:
                continue
            meant = filter_of(reason, stream, topic, older, newer, chosen.get(name, ()))
            one = _would(here, name, meant) if dry_run else _numbers(_given(here, name, meant, who, why))
            by_service[name] = one
            totals = {key: totals[key] + one[key] for key in totals}
        _tell(totals, by_service, dry_run=dry_run, as_json=as_json)
        named, found = sum(map(len, chosen.values())), sum(totals.values())
        if named > found:
            raise FailedError(
                f"{named - found} of {named} places hold no such dead letter; `edgeloop deadletters list` tells where they lie"
            )


def recorded_text(option: str, text: str) -> str:
    """A text that is recorded.

    Raises
    ------
    RefusedError
        It is empty, or too long.
    """
    if not text.strip() or len(text) > MOST_TEXT:
        raise RefusedError(f"{option}: expected a text of 1 to {MOST_TEXT} characters, given {len(text)}")
    return text.strip()


def requester(who: str) -> str:
    """Recorded name of the person who asks.

    Raises
    ------
    RefusedError
        Nobody can tell.
    """
    try:
        return recorded_text("--who", who or getpass.getuser())
    except (OSError, KeyError):  # a user without a name, as in a container
        raise RefusedError("--who is missing: this machine does not know your user name") from None


def _places(texts: Iterable[str]) -> dict[str, set[tuple[int, int]]]:
    found: dict[str, set[tuple[int, int]]] = {}
    for text in texts:
        try:
            service, partition, offset = place_of(text)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        services(service)
        found.setdefault(service, set()).add((partition, offset))
    return found


def _given(here: Context, service: str, meant: Filter, who: str, why: str) -> Redriven:
    from edgeloop_streaming import OvertakenError
    from edgeloop_streaming.redrive import Redriver

    with opened(here, service) as box:
        try:
            return Redriver(here.settings, here.codec, box).run(lambda letter: takes(meant, letter, here.codec), who, why)
        except OvertakenError as error:
            raise FailedError(f"{error}; run it again: no record is redriven twice") from None


def _would(here: Context, service: str, meant: Filter) -> dict[str, int]:
    counts = {"redriven": 0, "already": 0, "cut": 0}
    for letter in letters_of(here, service, meant):
        counts["already" if letter.redriven else "cut" if letter.event.cut else "redriven"] += 1
    return counts


def _numbers(done: Redriven) -> dict[str, int]:
    return {"redriven": done.given, "already": done.already, "cut": done.cut}


def _tell(totals: dict[str, int], by_service: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**totals, "dry_run": dry_run, "services": by_service}, indent=2))
        return
    for name, one in by_service.items():
        if any(one.values()):
            print(f"{name}: {_words(one, dry_run=dry_run)}")
    print(f"in all: {_words(totals, dry_run=dry_run)}")


def _words(one: dict[str, int], *, dry_run: bool) -> str:
    words = [f"{one['redriven']:,} {'would be ' if dry_run else ''}redriven"]
    if one["already"]:
        words.append(f"{one['already']:,} had been before")
    if one["cut"]:
        words.append(f"{one['cut']:,} cannot be: only the beginning of the record is kept")
    return ", ".join(words)
