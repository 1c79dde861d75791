"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA_DIR = Path(".edgeloop")
MOST_SEED = 2**32 - 1  # what numpy's generators take

DataDir = Annotated[Path, typer.Option(help="Where the stack keeps everything.", envvar="EDGELOOP_DATA_DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Bootstrap = Annotated[str, typer.Option(help="Kafka's address, host:port; by default that of the running stack.")]
SchemaRegistry = Annotated[str, typer.Option(help="The schema registry's URL; by default that of the running stack.")]
Tenant = Annotated[str, typer.Option(help="Whose streams.")]
