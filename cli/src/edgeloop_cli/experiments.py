"""Reader and tables of ``edgeloop runs`` and ``edgeloop models``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgeloop_cli.core.event_text import moment
from edgeloop_cli.core.experiments import Experiments, Run
from edgeloop_cli.core.lineage import facts, place, shown, title
from edgeloop_cli.errors import RefusedError

if TYPE_CHECKING:
    from edgeloop_contracts import ModelVersion, TrainingRun
    from edgeloop_kafka import Received
    from edgeloop_streaming import Context
    from rich.table import Table
    from rich.tree import Tree

WIDTH = 80  # where there is no terminal
DEVICES_SHOWN = 8


def read(context: Context) -> Experiments:
    """All runs, versions and reports that are kept.

    Raises
    ------
    RefusedError
        The topics are not there.
    """
    with following(context) as refreshed:
        return refreshed()


@contextmanager
def following(context: Context) -> Generator[Callable[[], Experiments]]:
    """A function whose every call gives all records so far.

    Raises
    ------
    RefusedError
        The topics are not there.
    """
    from edgeloop_contracts import topics

    found = Experiments()

    def take(record: Received[Any]) -> None:
        found.fold(record.event, record.key, record.timestamp, record.id, record.at)

    def refreshed() -> Experiments:
        follower.refresh(take)
        return found

    try:
        follower = context.follower([topics.TRAINING_REQUESTS, topics.TRAINING_RUNS, topics.MODEL_EVENTS, topics.FLEET_REPORTED])
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    try:
        yield refreshed
    finally:
        follower.close()


def cause(context: Context, run: Run | None) -> Received[Any] | None:
    """The signal or command that a run goes back to; ``None`` where it is not kept any more."""
    from edgeloop_contracts import topics
    from edgeloop_readers import RangeGoneError

    named = place(run.cause) if run else None
    if named is None:
        return None
    name, partition, offset = named
    reader = context.reader()
    try:
        found = reader.read(topics.by_name(name), partition, offset, offset + 1, timeout=10.0)
    except (KeyError, RangeGoneError, TimeoutError):
        return None
    finally:
        reader.close()
    return found[0] if found else None


def lineage(found: Experiments, run: Run | None, version: Any, origin: Received[Any] | None) -> dict[str, Any]:
    """For programs: signal or command, request, run, version and devices, each with its place; ``None`` for what there is not."""
    asked, ended = run.request if run else None, run.steps[-1] if run and run.steps else None
    return {
        "cause": {"at": run.cause, "type": origin.event.FULLNAME if origin else None} if run and run.cause else None,
        "request": {"at": asked.at, "id": asked.event.request_id} if asked else None,
        "run": {"at": ended.at, "status": ended.event.status.value} if ended else None,
        "version": {"at": version.at, "version": version.event.version, "digest": version.event.file.digest} if version else None,
        "devices": found.devices(version.event) if version else [],
    }


def tree(found: Experiments, run: Run | None, version: Any, origin: Received[Any] | None) -> Tree:
    """For people: the same from top to bottom."""
    from rich.markup import escape
    from rich.tree import Tree

    root = Tree("[bold]lineage[/]")
    branch = root
    if origin is not None:
        branch = branch.add(_step(origin.event, origin.at, origin.timestamp))
    elif run is not None and run.cause:
        branch = branch.add(f"[dim]{escape(run.cause)}, which is not kept any more[/]")
    steps = [*([run.request] if run and run.request else []), *(run.steps if run else []), *([version] if version else [])]
    for step in steps:
        branch = branch.add(_step(step.event, step.at, step.timestamp))
    if run is not None and run.refused is not None:
        branch.add(escape(f"registry refused it: {run.refused.reason.value}: {run.refused.message}"))
    if version is not None:
        devices = found.devices(version.event)
        more = f", … ({len(devices)} in all)" if len(devices) > DEVICES_SHOWN else ""
        branch.add(escape(f"runs on {', '.join(devices[:DEVICES_SHOWN])}{more}") if devices else "[dim]runs on no device[/]")
    return root


def pairs(title: str, values: Mapping[str, Any]) -> Table:
    """Names and values, one a line."""
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in sorted(values.items()):
        drawn.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    return drawn


def fit_tables(event: TrainingRun | ModelVersion) -> list[Any]:
    """Metrics and parameters of a fit, each with an empty line before it; none for an empty table."""
    tables = (("metrics", event.metrics), ("parameters", event.parameters))
    return [part for name, values in tables if values for part in ("", pairs(name, values))]


def trials(run: Run) -> Table:
    """The trials of a search, with the hyper-parameters in which they differ."""
    from rich.table import Table

    events = [timed.event for timed in run.trials]
    names = sorted({name for event in events for name in event.parameters})
    varied = [name for name in names if len({event.parameters.get(name) for event in events}) > 1]
    drawn = Table(title="trials", title_justify="left", title_style="bold", box=None, header_style="bold", pad_edge=False)
    score = "mae" if any("mae" in event.metrics for event in events) else "accuracy"
    for column in ("no", score, "seconds"):
        drawn.add_column(column, justify="right", no_wrap=True)
    drawn.add_column("parameters", overflow="fold")
    for event in events:
        reached = event.metrics.get(score)
        told = event.reason or "  ".join(f"{name}={_short(event.parameters[name])}" for name in varied if name in event.parameters)
        drawn.add_row(str(event.trial), "" if reached is None else f"{reached:.4f}", f"{event.fit_seconds:.2f}", told)
    return drawn


def when(timestamp: int) -> str:
    """A moment in few characters, UTC."""
    return moment(timestamp)[5:16].replace("T", " ") if timestamp else ""


def gate(metrics: Mapping[str, float]) -> str:
    """Accuracy, or mean absolute error, of the challenger and of what it was judged against, on the same rows."""
    if "gate_mae" in metrics:
        beaten = metrics.get("gate_champion_mae")
        return f"MAE {metrics['gate_mae']:.4g} ({'-' if beaten is None else f'{beaten:.4g}'})"
    if "gate_accuracy" not in metrics:
        return ""
    return f"{metrics['gate_accuracy']:.3f} ({metrics['gate_champion_accuracy']:.3f})"


def draw(parts: Iterable[Any]) -> None:
    """Print tables and trees; piped, as wide as a terminal usually is."""
    from rich.console import Console

    Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH).print(*parts, sep="\n")


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


def _step(event: Any, at: str, timestamp: int) -> str:
    from rich.markup import escape

    told = {name: value for name, value in facts(event).items() if value != "" and not isinstance(value, float)}
    text = ", ".join(f"{name} {shown(value)}" for name, value in told.items())
    return f"[bold]{escape(title(event))}[/]  [dim]{at}  {when(timestamp)}[/]\n{escape(text)}"
