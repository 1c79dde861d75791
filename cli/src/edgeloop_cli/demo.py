"""``edgeloop demo``: the closed loop on a stream that drifts, in less than three minutes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_contracts import DeviceKey

from edgeloop_cli import options
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.output_files import prepare

if TYPE_CHECKING:
    from edgeloop_kafka import Received
    from edgeloop_replay.ledger import Ledger
    from edgeloop_streaming import Context
    from rich.console import Console

DATA = Path("examples/data/covtype_areas_dev.csv.gz")
TRUTH = Path("examples/data/covtype_areas_dev.truth.json")
LABEL = "y"
ROWS = 14_000  # the distribution changes abruptly at row 7,629, and gradually from row 11,973


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo")(demo)


def demo(
    rows: Annotated[int, typer.Option(min=2_000, help="Number of rows to play.")] = ROWS,
    devices: Annotated[int, typer.Option(min=1, help="Number of devices to start.")] = 4,
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Play a stream that drifts twice through the whole platform.

    Forest cover types, told from maps, where the area is hidden and changes: UCI Covertype (Blackard 1998, CC BY 4.0).
    """
    from edgeloop_local import interrupted_by_signals, progress_for
    from rich.console import Console

    with exit_on_error(), interrupted_by_signals("stopping; what has come is counted first"):
        from edgeloop_replay.tables.csv_options import CsvOptions

        from edgeloop_cli.playback import Playback
        from edgeloop_cli.run import check, finish

        target = data_dir / "demo"
        plan = check(
            stream=_found(DATA),
            reading=CsvOptions(label=LABEL),
            rows=rows,
            devices=devices,
            data_dir=data_dir,
            plot=target,
            name="",
            known=_known(rows),
        )
        prepare(target / "report.json", target)
        outcome = Playback(plan, Console(), progress_for(), _ending, command="demo").run()
        finish(outcome, plan, target / "report.json")
        _what_happened(Console(soft_wrap=True, highlight=False), outcome.ending)
        _what_next(Console(soft_wrap=True, highlight=False), data_dir, target, f"{outcome.stream}-d0")


@dataclass(frozen=True, slots=True)
class Happened:
    """Last lines of the demo.

    Attributes
    ----------
    story
        What a drift signal led to, as heads and texts.
    device, steps
        A device, and what `edgeloop why` says of it.
    """

    story: Sequence[tuple[str, str]]
    device: str
    steps: Sequence[Received[Any]]


def _ending(context: Context, ledger: Ledger, device_keys: Sequence[str]) -> Happened:
    """Ask while everything still runs."""
    from edgeloop_cli.core.story import story
    from edgeloop_cli.why import newest_report, walk

    tenant, stream, device = DeviceKey.parse(device_keys[0]).names
    steps = list(walk(context, newest_report(context, tenant, stream, device)))
    return Happened(story(ledger, set(device_keys)), device, steps)


def _what_happened(console: Console, happened: Happened) -> None:
    from edgeloop_cli.why import draw

    console.print("\n[bold]Effects of a drift signal[/]")
    for head, text in happened.story:
        console.print(f"  {head:<10} {text}")
    console.print(f"\n[bold]edgeloop why {happened.device}[/]")
    draw(list(happened.steps))


def _found(name: Path) -> Path:
    """A file of the repository, wherever the command is run."""
    for root in (Path(), *Path(__file__).resolve().parents[3:4]):
        if (root / name).exists():
            return root / name
    raise RefusedError(f"{name} was not found: run the demo in the repository, or play your own file with `edgeloop run`")


def _known(rows: int) -> list[int]:
    """Rows of known changes."""
    return [row for row in json.loads(_found(TRUTH).read_text(encoding="utf-8"))["change_points"] if row < rows]


def _what_next(console: Console, data_dir: Path, target: Path, device: str) -> None:
    console.print("\n[bold]Next steps[/]")
    for what, where in (
        ("the picture", f"{target / 'accuracy.png'} (and accuracy.svg)"),
        ("the report", f"{target / 'report.json'}"),
        ("play a stream of your own", "edgeloop run --stream FILE.csv --label COLUMN"),
        ("what each process printed", f"{data_dir / 'logs'}"),
        ("start it all again, and keep it", "edgeloop up"),
        ("… then: what the topics hold", "edgeloop tail drift.signals --kind DriftSignal"),
        ("… why a device ran what it ran", f"edgeloop why {device}"),
    ):
        console.print(f"  {what:<32} {where}")
