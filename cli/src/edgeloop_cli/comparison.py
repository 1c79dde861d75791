"""Table and picture that compare policies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeloop_replay.accuracy import rolling
from edgeloop_replay.report import error_figures
from edgeloop_replay.result import Result
from edgeloop_replay.setting import Setting
from rich.table import Table

from edgeloop_cli.plot import SETTLED, WINDOW, counted, mark_signals, mark_versions

KIB = 1 << 10


FEW = 4
STRIP = 0.03  # of the height, for what one of several policies did
STRIPS = 6  # policies beyond which the picture has no room for that


def table(results: Mapping[str, Result]) -> Table:
    """A column a policy, or a line a policy where there are many."""
    facts = {name: _facts(result.report) for name, result in results.items()}
    heads = list(next(iter(facts.values())))
    made = Table(box=None, header_style="bold", pad_edge=False)
    if len(facts) <= FEW:
        made.add_column("")
        for name in facts:
            made.add_column(name, justify="right")
        for head in heads:
            made.add_row(head, *(facts[name][head] for name in facts))
        return made
    made.add_column("policy", overflow="fold")
    for head in heads:
        made.add_column(head, justify="right")
    for name, values in facts.items():
        made.add_row(name, *values.values())
    return made


def _facts(report: Mapping[str, Any]) -> dict[str, str]:
    drift, sent = report["drift"], report["bytes_per_device"]
    return {
        "accuracy": f"[bold]{report['accuracy']:.4f}[/]",
        "never retrained": f"{report['accuracy_static']:.4f}",
        **error_figures(report),
        "fits": str(report["fits"]),
        "versions": str(len(report["versions"])),
        "rows trained": f"{report['rows_trained']:,}",
        "alarms": _known(drift["alarms"]),
        "delay, rows": _known(drift["delay_p50"]),
        "changes missed": _known(drift["missed"]),
        "false alarms": _known(drift["false_alarms"]),
        "KiB of versions to a device": f"{sent['versions'] // KIB:,}",
        "KiB of adapters to a device": f"{sent['adapters'] // KIB:,}",
        "labels": f"{report['labels']:,}",
        "seconds": f"{report['seconds']['wall']:.1f}",
    }


def draw(directory: Path, setting: Setting, results: Mapping[str, Result]) -> list[Path]:
    """Write ``backtest.png`` and ``backtest.svg``: accuracy over rows of each policy; give back their paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    directory.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "edgeloop", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(11, 4.5), layout="constrained")
        rows = setting.judged
        shown = slice(min(SETTLED, len(rows) - 1), None)  # over a few rows it only jumps
        first = next(iter(results.values()))
        axes.plot(
            rows[shown], rolling(first.static, WINDOW)[shown], color="0.6", lw=1.2, label=f"never retrained ({first.static.mean():.3f})"
        )
        for number, (name, result) in enumerate(results.items()):
            accuracy = rolling(result.right, WINDOW)[shown]
            axes.plot(rows[shown], accuracy, lw=1.5, color=f"C{number}", label=f"{name} ({result.report['accuracy']:.3f})")
        for number, row in enumerate(setting.known):
            axes.axvline(row, color="0.3", alpha=0.25, lw=5, label="known change" if number == 0 else None)
        if len(results) == 1:
            mark_signals(axes, first.report, first.alarms)
            mark_versions(axes, first.report)
        elif len(results) <= STRIPS:
            _mark_each(axes, results)
        axes.set(xlabel="row of the stream", ylabel=counted(setting.table.tolerance), ylim=(0, 1))
        axes.set_title(setting.title, loc="left", pad=16)
        axes.grid(visible=True, alpha=0.2)
        axes.set_xlim(rows[0], rows[-1] + 1)
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 0.05 + (STRIP * len(results) if 1 < len(results) <= STRIPS else 0)),
            ncols=3,
            framealpha=0.9,
        )
        paths = [directory / "backtest.png", directory / "backtest.svg"]
        figure.savefig(paths[0], dpi=130, metadata={"Software": None})
        figure.savefig(paths[1], metadata={"Date": None})
        plt.close(figure)
    return paths


def _mark_each(axes: Any, results: Mapping[str, Result]) -> None:
    """Draw what each policy did as a strip of its own at the foot, in its colour."""
    marks = {"errors rose": "v", "drift of an input": "|", "new version served": "^"}
    for number, result in enumerate(results.values()):
        rows = {
            "errors rose": [row for row, _ in result.alarms],
            "drift of an input": [signal["row"] for signal in result.report["signals"] if " of " in signal["detector"]],
            "new version served": [version["installed_at_row"] for version in result.report["versions"]],
        }
        for what, marker in marks.items():
            axes.plot(rows[what], [STRIP * (number + 0.6)] * len(rows[what]), marker, color=f"C{number}", ms=5, alpha=0.8)
    for what, marker in marks.items():
        axes.plot([], [], marker, color="0.3", ms=5, label=what)


def _known(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
