"""``edgeloop``: one command line; each module in ``COMMANDS`` brings its own commands."""

from __future__ import annotations

from collections.abc import Callable

import typer

from edgeloop_cli import run, topics, up

COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (up.add_to, run.add_to, topics.add_to)


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
    app.callback()(lambda: None)
    for add_to in COMMANDS:
        add_to(app)
    return app


def main() -> None:
    """Entry point."""
    build()()
