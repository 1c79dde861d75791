"""Display of a run in progress: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from edgeloop_replay.ledger import Ledger
from edgeloop_replay.report import cause_of, detector_name, signal_row
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

REFRESH_S = 0.25
SHOWN = 6


class View(Protocol):
    """Shows a run."""

    def say(self, line: str) -> None:
        """A step has been done."""
        ...

    def refresh(self) -> None:
        """Something may have changed; called often."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...


class PlainView:
    """Prints a line at every twentieth of the stream, at every signal and at every version."""

    def __init__(self, ledger: Ledger, console: Console) -> None:
        self._ledger = ledger
        self._console = console
        self._signals = 0
        self._versions = 0
        self._part = 0

    def say(self, line: str) -> None:
        """Print it."""
        self._console.print(line, highlight=False)

    def refresh(self) -> None:
        """Print what is new."""
        ledger = self._ledger
        for timed in ledger.signals[self._signals :]:
            signal = timed.event
            self.say(f"  {detector_name(signal)} at row {signal_row(ledger, signal):,}: {signal.before:.3f} → {signal.after:.3f}")
        self._signals = len(ledger.signals)
        for number in sorted(ledger.versions)[self._versions :]:
            version = ledger.versions[number].event
            self.say(f"  version {number}: {version.rows:,} rows, {cause_of(ledger, version)}")
        self._versions = len(ledger.versions)
        rows = ledger.total - ledger.warmup
        played = len(ledger.answers)
        part = played * 20 // max(1, rows)
        if part > self._part:
            self._part = part
            counted = ledger.accuracy
            self.say(
                f"row {ledger.played:,} of {ledger.total:,}: accuracy {counted.total:.3f}, "
                f"last 1,000 {counted.recent:.3f}, never retrained {ledger.static.total:.3f}"
            )

    def close(self) -> None:
        """Nothing is open."""


class LiveView:
    """Redraws one picture."""

    def __init__(self, ledger: Ledger, console: Console, title: str, device_keys: Sequence[str]) -> None:
        self._ledger = ledger
        self._title = title
        self._keys = list(device_keys)
        self._step = ""
        self._began = time.monotonic()
        self._drawn = 0.0
        self._live = Live(self._picture(), console=console, auto_refresh=False, transient=True)
        self._live.start()

    def say(self, line: str) -> None:
        """Show it as what is being done."""
        self._step = line
        self._drawn = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Redraw, not too often."""
        now = time.monotonic()
        if now - self._drawn >= REFRESH_S:
            self._drawn = now
            self._live.update(self._picture(), refresh=True)

    def close(self) -> None:
        """Take the picture away."""
        self._live.stop()

    def _picture(self) -> Group:
        ledger, counted = self._ledger, self._ledger.accuracy
        rows, played = max(1, ledger.total - ledger.warmup), len(ledger.answers)
        taken = time.monotonic() - self._began
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(self._title, style="bold"),
            ProgressBar(total=rows, completed=played, width=40),
            f"{played:,} of {rows:,} rows",
            f"{taken:.0f} s",
        )
        told = f"accuracy [bold]{counted.total:.3f}[/], last 1,000 [bold]{counted.recent:.3f}[/]; never retrained {ledger.static.total:.3f}"
        in_flight = f"on its way: {max(0, ledger.sent - ledger.observed)} rows, {max(0, ledger.labelled - ledger.joined)} labels"
        return Group(
            head,
            Text.from_markup(f"{told}    {in_flight}"),
            self._signals(),
            self._versions(),
            self._devices(),
            Text(self._step, style="dim"),
        )

    def _signals(self) -> Table:
        table = Table("row", "drift signal", "before → after", box=None, header_style="dim", pad_edge=False)
        for timed in self._ledger.signals[-SHOWN:]:
            signal = timed.event
            table.add_row(f"{signal_row(self._ledger, signal):,}", detector_name(signal), f"{signal.before:.3f} → {signal.after:.3f}")
        return table

    def _versions(self) -> Table:
        table = Table("version", "rows", "cause", "served from", box=None, header_style="dim", pad_edge=False)
        for number in sorted(self._ledger.versions)[-SHOWN:]:
            version = self._ledger.versions[number].event
            first = self._ledger.first_served.get(number)
            served = "" if first is None else f"row {first:,}"
            table.add_row(str(number), f"{version.rows:,}", cause_of(self._ledger, version), served)
        return table

    def _devices(self) -> Table:
        table = Table("device", "version", "reported", box=None, header_style="dim", pad_edge=False)
        for key in self._keys or sorted(self._ledger.reported):
            report = self._ledger.reported.get(key)
            name = key.rpartition("/")[2]
            if report is None:
                table.add_row(name, "-", "nothing yet")
            else:
                table.add_row(
                    name, str(report.version or "-"), report.status.value.lower() + (f" ({report.reason})" if report.reason else "")
                )
        return table


def view_of(ledger: Ledger, console: Console, title: str, device_keys: Sequence[str]) -> View:
    """The view that fits where it is shown."""
    return LiveView(ledger, console, title, device_keys) if console.is_terminal else PlainView(ledger, console)
