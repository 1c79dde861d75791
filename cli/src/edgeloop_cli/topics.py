"""``edgeloop topics``: lists topics, creates them and registers schemas."""

from __future__ import annotations

import json
import sys
from typing import Annotated, NoReturn

import typer
from edgeloop_contracts import topics as declared
from edgeloop_errors import EdgeloopError
from edgeloop_kafka import KafkaSettings, SchemaRegistry, unusable
from edgeloop_kafka.admin import Admin, AdminError
from edgeloop_kafka.reachability import reach
from rich.console import Console

from edgeloop_cli import topics_view as view
from edgeloop_cli.cluster import settings_here
from edgeloop_cli.errors import BAD_INPUT
from edgeloop_cli.topics_access import acls
from edgeloop_cli.topics_apply import carry_out, survey, survey_subjects
from edgeloop_cli.topics_plan import Sizes, fitted

LISTING_TIMEOUT = 3.0
APPLY_TIMEOUT = 30.0  # a registry that has just started on a busy machine takes its time
LISTING_WIDTH = 200


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="topics")(topics)


def topics(
    name: Annotated[str | None, typer.Argument(help="Topic whose event fields are shown.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Create missing topics, correct settings, register schemas.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what --apply would change; exit code 1 if anything.")] = False,
    print_acls: Annotated[bool, typer.Option("--acls", help="Print the commands that grant each service its rights.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Partitions of partitioned topics, fixed once they exist; by default their number, else 4.")
    ] = None,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of each partition.")] = 1,
    min_insync: Annotated[
        int | None, typer.Option(min=1, help="In-sync replicas required for a write; by default one less than the replicas.")
    ] = None,
) -> None:
    """List topics, or create and configure them."""
    try:
        settings = settings_here()
    except ValueError as error:
        _fail(unusable(error, "cli"))
    sizes = Sizes(partitions=partitions, replication=replication, min_insync=min_insync)
    if min_insync is not None and min_insync > replication:
        _fail(f"--min-insync {min_insync} can never be met with --replication {replication}")
    if print_acls:
        typer.echo("\n".join(acls(settings.topic_prefix, settings.bootstrap)))
    elif apply or diff:
        raise typer.Exit(_bring(settings, sizes, change=apply))
    else:
        _list(settings, sizes, name, as_json=as_json)


def _bring(settings: KafkaSettings, sizes: Sizes, *, change: bool) -> int:
    """Show the plan, and carry it out if told; give back the exit code."""
    with SchemaRegistry(settings.schema_registry_url, APPLY_TIMEOUT) as registry:
        try:
            reach(settings)
            admin = Admin(settings)
            plan = survey(admin, registry, settings.topic_prefix, sizes)
            Console().print(view.plan_table(plan, settings.topic_prefix))
            if not change:
                return 1 if plan.changes_something or plan.stuck else 0
            carry_out(plan, admin, registry)
        except EdgeloopError as error:
            _fail(str(error))
    typer.echo("done" if plan.changes_something else "nothing to change")
    return 0


def _list(settings: KafkaSettings, sizes: Sizes, name: str | None, *, as_json: bool) -> None:
    chosen = declared.all_topics()
    if name is not None:
        try:
            chosen = (declared.by_name(name.removeprefix(settings.topic_prefix)),)
        except KeyError as error:
            _fail(str(error.args[0]))
    objects = view.as_objects(chosen, _sizes_there(settings, sizes), settings.topic_prefix, _ids_there(settings))
    if as_json:
        typer.echo(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    # Piped, a table is not cut to the width of a terminal that isn't there.
    console = Console() if sys.stdout.isatty() else Console(width=LISTING_WIDTH)
    console.print(view.listing(objects))
    if name is not None:
        console.print()
        console.print(view.fields_table(objects[0]))


def _sizes_there(settings: KafkaSettings, sizes: Sizes) -> Sizes:
    try:
        return fitted(sizes, Admin(settings, LISTING_TIMEOUT).describe(declared.all_topics()))
    except AdminError as error:
        typer.echo(f"partitions are those of a new cluster: {error}", err=True)
        return sizes


def _ids_there(settings: KafkaSettings) -> dict[str, int]:
    try:
        with SchemaRegistry(settings.schema_registry_url, LISTING_TIMEOUT) as registry:
            return {one.subject: one.id for one in survey_subjects(registry, settings.topic_prefix) if one.id is not None}
    except EdgeloopError as error:
        typer.echo(f"no schema ids: {error}", err=True)
        return {}


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(BAD_INPUT)
