"""``edgeloop mend``: replaces a foreign record in a state topic."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="mend")(mend)


def mend(
    place: Annotated[str, typer.Argument(help="TOPIC/PARTITION/OFFSET from the message of the halted service.")],
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Replace a foreign record in a state topic.

    The key gets back what it held before. Where that is not kept any more, the key is deleted: its service has then forgotten
    what it knew under it. Records as the service writes them are never touched.

    edgeloop mend drift.state/2/4711
    """
    with exit_on_error():
        from edgeloop_contracts import topics
        from edgeloop_streaming.state_repair import NothingToMendError
        from edgeloop_streaming.state_repair import mend as mended

        from edgeloop_cli import connection

        name, _, rest = place.partition("/")
        partition, _, offset = rest.partition("/")
        states = {topics.state(service).name: topics.state(service) for service in topics.STATE_KINDS}
        if name not in states or not (partition.isdecimal() and offset.isdecimal()):
            raise RefusedError(f"expected TOPIC/PARTITION/OFFSET with one of the topics {', '.join(sorted(states))}; given {place!r}")
        context = connection.required(data_dir, bootstrap, schema_registry).context("cli")
        try:
            done = mended(context.settings, context.codec, states[name], int(partition), int(offset))
        except (NothingToMendError, LookupError) as error:
            raise RefusedError(str(error.args[0])) from None
        key = done.key.decode("utf-8", "backslashreplace")
        if done.offset is None:
            print(f"{key}: deleted, as the topic has no earlier record of it. The service has lost its state for this key")
        else:
            print(f"{key}: restored to its value at offset {done.offset}")
