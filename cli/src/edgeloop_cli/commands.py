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
    "demo": CommandInfo("demo", "Play a stream that drifts twice through the whole platform."),
    "up": CommandInfo("up", "Start Kafka, the schema registry, services and devices."),
    "down": CommandInfo("up", "Stop everything that `edgeloop up` started."),
    "status": CommandInfo("status", "Show processes, lag, dead letters, alerts and schemas."),
    "run": CommandInfo("run", "Play a CSV file through the whole platform."),
    "backtest": CommandInfo("backtest", "Replay recorded rows under one or more policies."),
    "policy": CommandInfo("policy", "Set, show or remove policies of running services."),
    "train": CommandInfo("train", "Request a fit now."),
    "topics": CommandInfo("topics", "List topics, or create and configure them."),
    "tail": CommandInfo("tail", "Print the newest events of a topic."),
    "mend": CommandInfo("mend", "Replace a foreign record in a state topic."),
    "deadletters": CommandInfo("deadletters", "Count dead letters by service and reason."),
    "redrive": CommandInfo("redrive", "Send the records of dead letters to their services again."),
    "skip": CommandInfo("skip", "List halted partitions, or skip lost records."),
    "runs": CommandInfo("training_runs", "List training runs, or show one in detail."),
    "models": CommandInfo("models", "List model versions, or show one in detail."),
    "devices": CommandInfo("devices", "List devices with assigned and running versions."),
    "device": CommandInfo("device", "Enrol, revoke, label, configure or show one device."),
    "rollout": CommandInfo("rollout", "Show rollouts, or pause, approve and turn them back."),
    "why": CommandInfo("why", "Trace what a device runs back to its causes."),
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
