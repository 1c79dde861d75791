"""``edgeloop skip``: lists halted partitions and skips lost records."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Annotated

import typer

from edgeloop_cli import options
from edgeloop_cli.deadletters import reached
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.redrive import Who, recorded_text, requester

if TYPE_CHECKING:
    from edgeloop_contracts import Skip
    from edgeloop_readers.halted_groups import Groups, Halted
    from edgeloop_streaming import Context

WAIT_S = 20.0
_PLACE = re.compile(r"^(.+)/(\d{1,6})$")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="skip")(skip)


def skip(
    service: Annotated[str, typer.Argument(help="Service; without it, all halted partitions are listed.")] = "",
    place: Annotated[str, typer.Argument(metavar="[TOPIC/PARTITION]", help="Partition, such as observations/2.")] = "",
    why: Annotated[str, typer.Option(help="Reason, which is recorded.")] = "",
    who: Who = "",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """List halted partitions, or skip lost records.

    What is gone stays gone: the service goes on with the oldest record that is left, and writes the gap to the topic `gaps`.

    edgeloop skip

    edgeloop skip labels observations/2 --why "the service was off for two weeks, the rows are not needed"
    """
    with exit_on_error():
        from edgeloop_readers.halted_groups import Groups

        names = (service,) if service else _services()
        if service not in ("", *_services()):
            raise RefusedError(f"no service {service!r} has a consumer group; those that have one are {', '.join(_services())}")
        here = reached(data_dir, bootstrap, schema_registry)
        groups = Groups(here.settings)
        halted = groups.halted(names)
        if not place:
            _list(halted, as_json=as_json)
            return
        one = _meant(service, place, halted, groups, here.settings.topic_prefix)
        asked = _ask(here, one, requester(who), recorded_text("--why", why))
        taken = _taken(groups, one, here.settings.topic_prefix)
        if as_json:
            print(json.dumps({**asked.as_dict(), "taken": taken}, indent=2))
        elif taken:
            print(f"{service} continues at offset {one.lost.end}; skipped: {one.lost}")
        else:
            print(f"{service} will continue at offset {one.lost.end} when it runs; skipped: {one.lost}")


def _services() -> tuple[str, ...]:
    from edgeloop_cli.topics_access import HALTING

    return HALTING


def _meant(service: str, text: str, halted: list[Halted], groups: Groups, prefix: str) -> Halted:
    found = _PLACE.match(text)
    if found is None:
        raise RefusedError(f"expected TOPIC/PARTITION such as observations/2, given {text!r}")
    topic, partition = found[1], int(found[2])
    for one in halted:
        if (one.lost.topic, one.lost.partition) == (topic, partition):
            return one
    at = groups.committed(service).get((prefix + topic, partition))
    stands = f"it stands at offset {at}, and that is there" if at is not None else "it has handled nothing of it"
    raise RefusedError(f"{service} is not halted at {topic}/{partition}: {stands}")


def _ask(here: Context, one: Halted, who: str, why: str) -> Skip:
    from edgeloop_contracts import Skip, topics
    from edgeloop_contracts.keys import input_key

    lost, key = one.lost, input_key(one.service, one.lost.topic, one.lost.partition)
    asked = Skip(service=one.service, topic=lost.topic, partition=lost.partition, first=lost.first, end=lost.end, who=who, why=why)
    try:
        table = here.table(topics.SKIPS)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    table.refresh()
    before = table.get(key)
    table.close()
    if before is not None and (before.event.first, before.event.end) == (lost.first, lost.end):
        raise RefusedError(f"{before.event.who} has requested this already; {one.service} continues when it runs")
    publisher = here.publisher()
    publisher.publish(topics.SKIPS, key, asked)
    if publisher.flush():
        raise TimeoutError("the skip could not be written: Kafka does not answer")
    if failures := publisher.failures():
        raise TimeoutError(f"the skip could not be written: {'; '.join(failures)}")
    return asked


def _taken(groups: Groups, one: Halted, prefix: str) -> bool:
    """Whether the service has gone on within some seconds; it may not run."""
    place, end = (prefix + one.lost.topic, one.lost.partition), time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if groups.committed(one.service).get(place) != one.lost.first:
            return True
        time.sleep(0.5)
    return False


def _list(halted: list[Halted], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"service": one.service, "topic": one.lost.topic, "partition": one.lost.partition, "first": one.lost.first, "end": one.lost.end}
            for one in halted
        ]
        print(json.dumps(rows, indent=2))
        return
    for one in halted:
        print(f"{one.service}: deleted before it was handled: {one.lost}")
    print(f"{len(halted)} halted; to continue: `edgeloop skip SERVICE TOPIC/PARTITION --why TEXT`" if halted else "no partition is halted")
