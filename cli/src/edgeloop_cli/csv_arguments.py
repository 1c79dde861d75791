"""Options of the commands that read a CSV."""

from __future__ import annotations

from typing import Annotated

import typer
from edgeloop_replay.tables.csv_options import MISSING
from edgeloop_replay.task import Task

AsTask = Annotated[Task, typer.Option("--task", help="classification: the label is a class; regression: it is a number.")]
Tolerance = Annotated[
    float | None,
    typer.Option(
        metavar="T",
        help="For a regression: largest error of a right answer; by default half the interquartile range of the warm-up labels.",
    ),
]
Time = Annotated[
    str, typer.Option("--time", metavar="COLUMN", help="Column of the event time, not a feature: ISO 8601, or s, ms, µs or ns since 1970.")
]
Drop = Annotated[list[str] | None, typer.Option("--drop", metavar="COLUMN", help="Column to leave out; may be repeated.")]
Category = Annotated[
    list[str] | None,
    typer.Option("--category", metavar="COLUMN", help="Column of categories, even if its cells look like numbers; may be repeated."),
]
Missing = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT,…",
        help="Texts for a missing value, besides empty cells and nan.",
        show_default=",".join(MISSING),
    ),
]
