"""``edgeloop run``: plays a CSV file through the whole platform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_replay.schedule import GROUP, SMALL_GROUP
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.task import Task

from edgeloop_cli import csv_arguments, options
from edgeloop_cli.errors import INTERRUPTED, RefusedError, exit_on_error
from edgeloop_cli.output_files import prepare, write_report

if TYPE_CHECKING:
    from edgeloop_cli.playback import Outcome, Plan


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="run")(run)


def run(
    stream: Annotated[
        Path,
        typer.Option(
            metavar="FILE.csv[.gz]",
            help="CSV file in time order with a header. Each column but the label is a feature: a number, or a category if it is text.",
        ),
    ],
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the label: a class, or a number with --task regression.")],
    devices: Annotated[int, typer.Option(min=1, help="Number of devices to start.")] = 4,
    task: csv_arguments.AsTask = Task.CLASSIFICATION,
    tolerance: csv_arguments.Tolerance = None,
    time: csv_arguments.Time = "",
    drop: csv_arguments.Drop = None,
    category: csv_arguments.Category = None,
    missing: csv_arguments.Missing = None,
    label_delay: Annotated[int, typer.Option(min=0, metavar="ROWS", help="Number of rows after which labels follow.")] = 0,
    warmup: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the rows that train the first model.")] = 0.1,
    pace: Annotated[
        str,
        typer.Option(metavar="lockstep|RATE", help="In lockstep, results do not depend on speed; RATE is rows per second."),
    ] = "lockstep",
    group: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=f"{GROUP}; {SMALL_GROUP} if warm-up labels repeat",
            help="Rows that a device answers in lockstep before their labels follow. Small groups are slower, and fairer if labels repeat.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=options.MOST_SEED, help="Seed of the fits.")] = 0,
    report: Annotated[Path | None, typer.Option(metavar="OUT.json", help="File of the report.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw accuracy over rows in DIR/accuracy.png and DIR/accuracy.svg.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Play the first N rows only; 0 plays all.")] = 0,
    name: Annotated[str, typer.Option(help="Name of the stream; by default a new one.")] = "",
    device: Annotated[
        list[str] | None, typer.Option(metavar="[NAME=]HOST:PORT", help="Running device to play to, instead of new ones; may be repeated.")
    ] = None,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Play a CSV file through the whole platform.

    Devices answer the rows, labels follow, detectors signal drift, and models are retrained. The run uses a running
    `edgeloop up`; otherwise it starts all services and stops them at the end.

    edgeloop run --stream data.csv --label y

    edgeloop run --stream data.csv.gz --label y --label-delay 200 --report out.json --plot out/

    edgeloop run --stream data.csv --label y --time at --drop id

    edgeloop run --stream data.csv --label y --pace 500 --devices 8
    """
    from edgeloop_local import interrupted_by_signals, progress_for
    from rich.console import Console

    with exit_on_error(), interrupted_by_signals("stopping; counting the records so far"):
        from edgeloop_cli.columns_view import columns_of
        from edgeloop_cli.playback import Playback

        numbers = task is Task.REGRESSION
        reading = CsvOptions.of_arguments(label, numbers=numbers, time=time, drop=drop or [], category=category or [], missing=missing)
        plan = check(
            stream=stream,
            reading=reading,
            tolerance=tolerance,
            devices=devices,
            delay=label_delay,
            warmup=warmup,
            pace=pace,
            group=group,
            seed=seed,
            rows=rows,
            name=name,
            targets=device or [],
            data_dir=data_dir,
            bootstrap=bootstrap,
            schema_registry=schema_registry,
            plot=plot,
        )
        prepare(report, plot)
        console = Console()
        console.print(columns_of(plan.table))
        outcome = Playback(plan, console, progress_for()).run()
        finish(outcome, plan, report)


def check(
    *,
    stream: Path,
    reading: CsvOptions,
    data_dir: Path,
    tolerance: float | None = None,
    devices: int = 4,
    delay: int = 0,
    warmup: float = 0.1,
    pace: str = "lockstep",
    group: int | None = None,
    seed: int = 0,
    rows: int = 0,
    name: str = "",
    targets: Sequence[str] = (),
    bootstrap: str = "",
    schema_registry: str = "",
    plot: Path | None = None,
    known: Sequence[int] = (),
) -> Plan:
    """Check everything before anything is started.

    Raises
    ------
    RefusedError
        It cannot be done so.
    """
    from edgeloop_replay.errors import BadTableError
    from edgeloop_replay.schedule import fitting_group
    from edgeloop_replay.tables.csv_file import name_of, read_table
    from edgeloop_replay.tables.regression import as_task, label_kinds
    from edgeloop_replay.tables.stream_table import check_playable

    from edgeloop_cli import connection
    from edgeloop_cli.playback import Plan

    rate = _rate(pace)
    if rate and group is not None:
        raise RefusedError(f"--group {group} goes with --pace lockstep; at {pace} rows a second each label follows its row")
    if any(character in name for character in "/ \t\n"):
        raise RefusedError(f"--name {name!r}: a name has no slash and no space")
    table = read_table(stream, reading)
    if rows:
        table = table.first(rows)
    warm = int(len(table) * warmup)
    try:
        check_playable(table, warm)
        table = as_task(table, Task.REGRESSION if reading.numbers else Task.CLASSIFICATION, warm, tolerance)
    except BadTableError as error:
        raise RefusedError(f"{stream}: {error}") from None
    return Plan(
        title=name_of(stream),
        table=table,
        warmup=warm,
        delay=delay,
        rate=rate,
        group=group or fitting_group(label_kinds(table, warm), delay),
        seed=seed,
        name=name,
        devices=devices,
        targets=[_target(text) for text in targets],
        data_dir=data_dir,
        cluster=connection.running(data_dir, bootstrap, schema_registry),
        plot_dir=plot,
        known=known,
    )


def finish(outcome: Outcome, plan: Plan, report: Path | None) -> None:
    """Write the report, print the summary, and end as the run ended."""
    from edgeloop_replay.tables.stream_table import described
    from rich.console import Console

    from edgeloop_cli.summary import summary

    if report is not None:
        content: dict[str, Any] = {**outcome.report, "columns": described(plan.table)}
        if outcome.interrupted:
            content["interrupted"] = True
        write_report(report, content)
    console = Console()
    console.print(summary(plan.title, outcome.report))
    for path in [*([report] if report else []), *outcome.pictures]:
        console.print(f"wrote {path}", highlight=False)
    if outcome.interrupted:
        console.print("stopped before the end")
        raise typer.Exit(INTERRUPTED)


def _rate(pace: str) -> float:
    if pace == "lockstep":
        return 0.0
    try:
        rate = float(pace)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1e6:
        raise RefusedError(f"--pace {pace}: expected lockstep or a number of rows a second")
    return rate


def _target(text: str) -> tuple[str, str]:
    name, _, address = text.rpartition("=")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise RefusedError(f"--device {text}: expected HOST:PORT or NAME=HOST:PORT")
    return name, address
