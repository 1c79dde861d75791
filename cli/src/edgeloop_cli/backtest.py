"""``edgeloop backtest``: replay of recorded rows under one or more policies."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_replay.task import Task

from edgeloop_cli import csv_arguments, options
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.output_files import prepare, write_report

if TYPE_CHECKING:
    from edgeloop_replay.policy import Policy
    from edgeloop_replay.result import Result
    from edgeloop_replay.setting import Setting
    from edgeloop_replay.tables.stream_table import StreamTable

DEFAULT = "default"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="backtest")(backtest)


def backtest(
    stream: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv[.gz]",
            help="CSV file in time order with a header. Each column but the label is a feature: a number, or a category if it is text.",
        ),
    ] = None,
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the label: a class, or a number with --task regression.")] = "",
    topic: Annotated[str, typer.Option(metavar="NAME", help="Topic of recorded rows instead of a file: `examples`.")] = "",
    name: Annotated[str, typer.Option(help="With --topic: name of the stream.")] = "",
    offsets: Annotated[
        list[str] | None,
        typer.Option(metavar="PARTITION:FIRST:END", help="With --topic: range of offsets; may be repeated; by default all."),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(metavar="POLICY.yaml", help="Policy, or grid of policies, to try; may be repeated. Without it, the default policy."),
    ] = None,
    task: csv_arguments.AsTask = Task.CLASSIFICATION,
    tolerance: csv_arguments.Tolerance = None,
    time: csv_arguments.Time = "",
    drop: csv_arguments.Drop = None,
    category: csv_arguments.Category = None,
    missing: csv_arguments.Missing = None,
    label_delay: Annotated[int, typer.Option(min=0, metavar="ROWS", help="Number of rows after which labels follow.")] = 0,
    warmup: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the rows that train the first model.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, max=options.MOST_SEED, help="Seed of the fits.")] = 0,
    group: Annotated[int, typer.Option(min=1, help="Rows that a device answers before their labels follow; `edgeloop run` uses 50.")] = 1,
    devices: Annotated[int, typer.Option(min=1, help="Number of devices, which answer in turn.")] = 4,
    rows: Annotated[int, typer.Option(min=0, help="Play the first N rows only; 0 plays all.")] = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="TRUTH.json", help="JSON file with change_points, the rows of known changes; by default FILE.truth.json, if it exists."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="OUT.json", help="File of the report.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw accuracy over rows in DIR/backtest.png and DIR/backtest.svg.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Number of processes; 0 means one for each core.")] = 0,
    as_json: options.Json = False,
    tenant: options.Tenant = "default",
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Replay recorded rows under one or more policies.

    The replay runs the cores of the services in this process, without Kafka. It writes to no topic.

    edgeloop backtest --stream data.csv --label y

    edgeloop backtest --stream data.csv --label y --time at --drop id

    edgeloop backtest --stream data.csv.gz --label y --policy a.yaml --policy b.yaml --label-delay 200 --report out.json --plot out/

    edgeloop backtest --topic examples --name pumps --policy tomorrow.yaml
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # policies share the cores; small products gain nothing from threads
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from edgeloop_local import interrupted_by_signals

    with exit_on_error(), interrupted_by_signals("stopping the backtest; no file is written"):
        from edgeloop_replay.setting import setting_of

        policies = read_policies(policy or [])
        of_columns = {"--time": time, "--drop": drop, "--category": category, "--missing": missing}
        if (stream is None) == (not topic):
            raise RefusedError("expected either --stream FILE or --topic NAME")
        if stream is not None:
            if not label:
                raise RefusedError("--label COLUMN is missing: the column of the label")
            from edgeloop_replay.tables.csv_file import name_of, read_table
            from edgeloop_replay.tables.csv_options import CsvOptions

            numbers = task is Task.REGRESSION
            reading = CsvOptions.of_arguments(label, numbers=numbers, time=time, drop=drop or [], category=category or [], missing=missing)
            table, title = read_table(stream, reading), name_of(stream)
            truth = truth or _beside(stream)
        else:
            from edgeloop_cli.recorded import read_recorded

            if given := [name for name, value in of_columns.items() if value]:
                raise RefusedError(f"{given[0]} needs --stream: recorded rows have no columns")
            table = read_recorded(topic, tenant, name, offsets or [], bootstrap, schema_registry, data_dir)
            title = f"{topic} of {name}"
        setting = setting_of(
            table.first(rows) if rows else table,
            title,
            warmup=warmup,
            task=task,
            tolerance=tolerance,
            delay=label_delay,
            devices=devices,
            group=group,
            seed=seed,
        )
        if truth is not None:
            setting = replace(setting, known=_known_changes(truth, len(setting.table)))
        prepare(report, plot)
        if not as_json:
            _tell_columns(setting.table)
        results = _run(setting, policies, jobs)
        _finish(setting, results, report, plot, as_json=as_json)


def read_policies(paths: Sequence[Path]) -> dict[str, Policy]:
    """Policies by name; a grid gives one for each combination.

    Raises
    ------
    RefusedError
        A file cannot be read or used; the message names file, field, expected and given value.
    """
    from edgeloop_replay.errors import BadPolicyError
    from edgeloop_replay.policy import Policy, grid

    policies: dict[str, Policy] = {}
    for path in paths:
        content = read_yaml(path)
        try:
            for suffix, each in grid(content).items():
                name = f"{path.stem} {suffix}".strip()
                if name in policies:
                    raise RefusedError(f"{path}: two policies have the name {name!r}")
                policies[name] = Policy.parse(each)
        except BadPolicyError as error:
            raise RefusedError(f"{path}: {error}") from None
    return policies or {DEFAULT: Policy()}


def read_yaml(path: Path) -> Any:
    """Content of a YAML file.

    Raises
    ------
    RefusedError
        It cannot be read.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path}: expected text in UTF-8: {error.reason} at byte {error.start}") from None
    except yaml.YAMLError as error:
        raise RefusedError(f"{path}: expected YAML: {' '.join(str(error).split())}") from None


def _known_changes(truth: Path, rows: int) -> list[int]:
    """Rows of the known changes in a truth file.

    Raises
    ------
    RefusedError
        The file cannot be read.
    """
    from edgeloop_replay.backtest_report import known_changes

    try:
        return known_changes(json.loads(truth.read_text(encoding="utf-8")), rows)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RefusedError(f"{truth}: expected a JSON file with change_points: {error}") from None


def _beside(stream: Path) -> Path | None:
    path = stream.with_name(stream.name.removesuffix(".gz").removesuffix(".csv") + ".truth.json")
    return path if path.exists() else None


def _tell_columns(table: StreamTable) -> None:
    from rich.console import Console

    from edgeloop_cli.columns_view import columns_of

    if table.columns:
        Console().print(columns_of(table))


def _run(setting: Setting, policies: Mapping[str, Policy], jobs: int) -> dict[str, Result]:
    from edgeloop_replay.parallel import backtest as run
    from edgeloop_replay.parallel import default_jobs
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {name: bars.add_task(name, total=setting.rows) for name in policies}
        return run(setting, policies, jobs or default_jobs(len(policies)), lambda name, done: bars.update(tasks[name], completed=done))


def _finish(setting: Setting, results: Mapping[str, Result], report: Path | None, plot: Path | None, *, as_json: bool) -> None:
    from edgeloop_replay.tables.stream_table import described
    from rich.console import Console

    from edgeloop_cli.comparison import draw, table

    content: dict[str, Any] = {
        "stream": setting.title,
        "rows": setting.rows,
        "warmup": setting.warmup,
        "label_delay": setting.delay,
        "group": setting.group,
        "devices": setting.devices,
        "seed": setting.seed,
        **({"columns": described(setting.table)} if setting.table.columns else {}),
        "policies": {name: result.report for name, result in results.items()},
    }
    written = [report] if report else []
    if report is not None:
        write_report(report, content)
    if plot is not None:
        written += draw(plot, setting, results)
    if as_json:
        print(json.dumps(content, indent=2))
        return
    console = Console()
    console.print(
        f"\n[bold]{setting.title}[/]: {setting.rows:,} rows after {setting.warmup:,} warm-up rows, label delay {setting.delay:,} rows"
    )
    console.print(table(results))
    for path in written:
        console.print(f"wrote {path}", highlight=False)
