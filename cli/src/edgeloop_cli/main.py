"""``edgeloop``: one command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edgeloop_cli.commands import COMMANDS, LazyGroup
from edgeloop_cli.errors import INTERRUPTED


def build() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        name="edgeloop",
        cls=LazyGroup,
        help="Keeps machine-learning models right on fleets of edge devices.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # With a callback the commands keep their names, also while there is only one.
    app.callback()(_about)
    for name, entry in COMMANDS.items():
        app.command(name=name, help=entry.summary)(_stand_in)
    return app


def _stand_in() -> None:
    """Stands for a command in help and completion; :class:`LazyGroup` loads the real one before it is called."""
    raise AssertionError("the command has not been loaded")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"edgeloop {version('edgeloop-cli')}")
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
