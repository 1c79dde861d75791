"""``edgeloop``: one command line; each module in ``COMMANDS`` brings its own commands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from edgeloop_cli import (
    __version__,
    backtest,
    deadletters,
    demo,
    devices,
    mend,
    models,
    policy,
    redrive,
    run,
    skip,
    status,
    tail,
    topics,
    train,
    training_runs,
    up,
    why,
)
from edgeloop_cli.problems import INTERRUPTED

COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (
    demo.add_to,
    up.add_to,
    status.add_to,
    run.add_to,
    backtest.add_to,
    policy.add_to,
    train.add_to,
    topics.add_to,
    tail.add_to,
    mend.add_to,
    deadletters.add_to,
    redrive.add_to,
    skip.add_to,
    training_runs.add_to,
    models.add_to,
    devices.add_to,
    why.add_to,
)


def build() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="edgeloop",
        help="Keeps machine-learning models right on fleets of edge devices.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # With a callback the commands keep their names, also while there is only one.
    app.callback()(_about)
    for add_to in COMMANDS:
        add_to(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"edgeloop {__version__}")
        raise typer.Exit


def _about(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    del version


def main() -> None:
    """Entry point."""
    try:
        build()()
    except KeyboardInterrupt:  # before a command has begun
        print("edgeloop: stopped before it began", file=sys.stderr)
        sys.exit(INTERRUPTED)
