"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA_DIR = Path(".edgeloop")
MOST_SEED = 2**32 - 1  # what numpy's generators take

DataDir = Annotated[Path, typer.Option(help="Directory of the stack's data.", envvar="EDGELOOP_DATA_DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Bootstrap = Annotated[str, typer.Option(help="Kafka address, host:port; by default that of the running stack.")]
SchemaRegistry = Annotated[str, typer.Option(help="Schema registry URL; by default that of the running stack.")]
Tenant = Annotated[str, typer.Option(help="Tenant of the streams.")]
