"""Options of the commands that read a CSV."""

from __future__ import annotations

from typing import Annotated

import typer
from edgeloop_replay.tables.csv_options import MISSING
from edgeloop_replay.task import Task

AsTask = Annotated[Task, typer.Option("--task", help="Whether the label is one of some classes, or a number.")]
Tolerance = Annotated[
    float | None,
    typer.Option(
        metavar="T",
        help="Of a regression: an answer no further from the label is right; by default half the warm-up's interquartile range.",
    ),
]
Time = Annotated[
    str, typer.Option("--time", metavar="COLUMN", help="Column of the event time, no feature: ISO 8601, or s, ms, µs or ns since 1970.")
]
Drop = Annotated[list[str] | None, typer.Option("--drop", metavar="COLUMN", help="Leave this column out; may be repeated.")]
Category = Annotated[
    list[str] | None,
    typer.Option(
        "--category", metavar="COLUMN", help="Take this column's cells as names, also where they look like numbers; may be repeated."
    ),
]
Missing = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT,…",
        help="Texts that stand for a missing value, besides empty cells and nan.",
        show_default=",".join(MISSING),
    ),
]
