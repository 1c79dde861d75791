"""The commands by name, each with its module and the line that ``edgeloop --help`` shows.

The lines repeat the first sentence of each command's docstring, which a test holds. So help and completion import no command.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from typer._click import Command, Context


class CommandInfo(NamedTuple):
    """A command that is not loaded yet.

    Attributes
    ----------
    module
        Module of ``edgeloop_cli`` whose ``add_to`` adds the command.
    summary
        First sentence of its help.
    """

    module: str
    summary: str


COMMANDS = {
    "demo": CommandInfo("demo", "Play a real stream, in which the world changes twice, through the whole platform."),
    "up": CommandInfo("up", "Start Kafka, the schema registry, all services and some devices, and keep them running until Ctrl-C."),
    "down": CommandInfo("up", "Stop what `edgeloop up` runs, wherever it was started."),
    "status": CommandInfo("status", "Show what runs, and how it is: processes, restarts and why, lag, dead letters, alerts, schemas."),
    "run": CommandInfo(
        "run", "Play a CSV through the whole platform: devices answer, labels follow, drift is found, models are retrained."
    ),
    "backtest": CommandInfo(
        "backtest", "Run the closed loop on a CSV or on recorded topics, offline: the cores of the services, several policies side by side."
    ),
    "policy": CommandInfo("policy", "Change what the loop decides by, while it runs."),
    "train": CommandInfo("train", "Ask for a fit now: a stream's first model, or one that no drift has asked for."),
    "topics": CommandInfo("topics", "List all topics, or bring a cluster to what the code declares."),
    "tail": CommandInfo("tail", "Print the newest events of a topic, each with its place, key and cause."),
    "mend": CommandInfo(
        "mend", "Write over a record of a state topic that somebody else has put there, so that its service can start again."
    ),
    "deadletters": CommandInfo(
        "deadletters", "Count what services could not handle, by service and reason; `list` and `show PLACE` tell more."
    ),
    "redrive": CommandInfo("redrive", "Give dead letters' records back to their services, after the cause is mended."),
    "skip": CommandInfo(
        "skip", "List partitions that are halted since retention deleted records before their service handled them, or let one go on."
    ),
    "runs": CommandInfo("training_runs", "List training runs; with an id, tell one with metrics, parameters, trials and lineage."),
    "models": CommandInfo(
        "models", "List model versions and the devices that run them; with one version, tell its metrics, parameters and lineage."
    ),
    "devices": CommandInfo("devices", "List devices: what they were told to run, what they run, and when they were last heard."),
    "why": CommandInfo("why", "Walk from what a device runs back to the drift signal, and to the rows that raised it."),
}


def load(name: str) -> Command:
    """The command of this name, with its module imported."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    import_module(f"edgeloop_cli.{COMMANDS[name].module}").add_to(app)
    return get_group(app).commands[name]


class LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is called or completed."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Name, command and its arguments; replaces the stand-in of the command."""
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load(args[0])
        return super().resolve_command(ctx, args)
