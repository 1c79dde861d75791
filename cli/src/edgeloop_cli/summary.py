"""Summary of a run for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeloop_replay.report import error_figures
from rich.console import Group
from rich.table import Table


def summary(title: str, report: Mapping[str, Any]) -> Group:
    """Outcome of a run."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    events, seconds = report["events"], report["seconds"]
    facts.add_row(
        "accuracy", f"[bold]{report['accuracy']:.3f}[/] over {report['rows']:,} rows; never retrained {report['accuracy_static']:.3f}"
    )
    for name, told in error_figures(report).items():
        facts.add_row(name, told)
    facts.add_row("fits", f"{report['fits']}, of which {max(0, len(report['versions']) - 1)} became versions")
    facts.add_row(
        "events", f"{events['produced']:,} sent, {events['lost']} lost, {events['duplicated']} duplicated, {events['dead']} in dead letters"
    )
    facts.add_row("took", f"{seconds['wall']:.1f} s")
    facts.add_row("signal → every device serves", _seconds(seconds["signal_to_serving_p50"]))
    facts.add_row("gate's last row → every device serves", _seconds(seconds["gate_to_serving_p50"]))
    facts.add_row("one fit", _seconds(seconds["fit_p50"]))
    versions = Table("version", "served from row", "trained on", "cause", "digest", box=None, header_style="bold", pad_edge=False)
    for entry in report["versions"]:
        row = f"{entry['installed_at_row']:,}"
        versions.add_row(str(entry["version"]), row, f"{entry['trained_rows']:,} rows", entry["cause"], entry["digest"][:12])
    return Group(f"\n[bold]{title}[/]", facts, "", versions)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s (median)"
