"""Playback of a stream to a fleet, from the first warm-up row to the report."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeloop_local.progress import Progress
from edgeloop_replay.accuracy import judged
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.report import Counts, alarms, assemble
from edgeloop_replay.schedule import GROUP
from edgeloop_replay.tables.stream_table import StreamTable
from edgeloop_streaming import Context
from rich.console import Console

from edgeloop_cli import audit, baseline, cluster_setup, inventory, plot
from edgeloop_cli.connection import Cluster
from edgeloop_cli.device_client import DeviceClient
from edgeloop_cli.errors import FailedError, RefusedError
from edgeloop_cli.feed import Feed
from edgeloop_cli.fleet import Fleet, planned
from edgeloop_cli.inventory import Inventory
from edgeloop_cli.live_view import view_of
from edgeloop_cli.platform import Platform
from edgeloop_cli.player import Player
from edgeloop_cli.session import Session

TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Plan of a run; everything in it has been checked.

    Attributes
    ----------
    title
        Name of the data.
    table, warmup
        The stream, and how many of its rows are warm-up.
    delay
        Rows by which labels follow.
    rate
        Rows a second; 0 for lockstep.
    group
        In lockstep, rows that a device answers before their labels follow.
    seed
        Of what is drawn when models are fitted; takes effect where the run starts the services.
    name
        Of stream and model; empty for one of its own.
    devices
        How many to start; none where ``targets`` are given.
    targets
        Devices that run already, by name (which may be empty) and address.
    known
        Rows of known changes, for the picture.
    """

    title: str
    table: StreamTable
    warmup: int
    delay: int = 0
    rate: float = 0.0
    group: int = GROUP
    seed: int = 0
    name: str = ""
    devices: int = 4
    targets: Sequence[tuple[str, str]] = ()
    data_dir: Path
    cluster: Cluster | None = None
    plot_dir: Path | None = None
    known: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a run.

    Attributes
    ----------
    report
        See :func:`assemble`.
    stream
        Name of stream and model.
    interrupted
        Whether it was stopped before its end.
    pictures
        What was drawn.
    ending
        What the run's ending gave, see :class:`Playback`.
    """

    report: dict[str, Any]
    stream: str
    interrupted: bool
    pictures: Sequence[Path] = ()
    ending: Any = None


Ending = Callable[[Context, Ledger, Sequence[str]], Any]


class Playback:
    """Does one run.

    Parameters
    ----------
    plan
        What to do.
    console, progress
        Where to show it.
    ending
        Called when everything has been played and still runs, with the devices' keys.
    command
        Name of the command whose run it is.
    """

    def __init__(self, plan: Plan, console: Console, progress: Progress, ending: Ending | None = None, command: str = "run") -> None:
        self._ending = ending
        self._plan = plan
        self._console = console
        self._progress = progress
        self._command = command
        self._stream = plan.name or f"run-{secrets.token_hex(4)}"
        self._ledger = Ledger(warmup=plan.warmup, total=len(plan.table), tolerance=plan.table.tolerance)

    def run(self) -> Outcome:
        """Do it; nothing is left running.

        Raises
        ------
        RefusedError
            Training on the warm-up rows failed.
        FailedError, LocalError
            It cannot be brought to its end.
        """
        with ExitStack() as stack:
            self._kept = stack.enter_context(Inventory(self._plan.data_dir, self._command))
            cluster, clients = self._platform(stack)
            self._kept.progress = self._progress_told
            self._kept.tell(inventory.RUNNING)
            stack.callback(self._kept.tell, inventory.STOPPING)
            for client in clients:
                stack.callback(client.close)
            return self._run_on(cluster, clients, stack)

    def _progress_told(self) -> str:
        ledger = self._ledger
        played = f"row {ledger.played:,} of {ledger.total:,}" if ledger.answers else "warm-up"
        return f"stream {self._stream}, {played}"

    def _platform(self, stack: ExitStack) -> tuple[Cluster, list[DeviceClient]]:
        """The platform of the run: the running stack, else one of its own; with devices."""
        plan = self._plan
        home = plan.data_dir.absolute()
        devices = (
            [] if plan.targets else planned((f"{self._stream}-d{i}" for i in range(plan.devices)), home, (self._stream,), remember=False)
        )

        def start_fleet(cluster: Cluster) -> Fleet:
            # Their disks are of no use when their stream is over.
            for device in devices:
                stack.callback(shutil.rmtree, home / "devices" / device.name, ignore_errors=True)
            fleet = Fleet(devices, home, cluster)
            stack.callback(fleet.stop)
            fleet.start()
            return fleet

        if plan.cluster is not None:
            cluster = plan.cluster
            self._progress.report(f"attached to Kafka at {cluster.bootstrap}")
            cluster_setup.make_keys(home)
            fleet = start_fleet(cluster) if devices else None
            self._kept.entries = lambda: inventory.of_fleet(fleet) if fleet else []
        else:
            fleets: list[Fleet] = []
            platform = stack.enter_context(Platform(home, progress=self._progress))
            self._kept.entries = lambda: [*inventory.of_platform(platform), *(e for fleet in fleets for e in inventory.of_fleet(fleet))]
            platform.start(lambda started: fleets.append(start_fleet(started.cluster)) if devices else None)
            self._progress.report(f"all services work after {platform.seconds['services']:.1f} s")
            cluster, fleet = platform.cluster, fleets[0] if fleets else None
        if fleet is not None:
            fleet.wait_live()
        targets = plan.targets or [(device.name, device.target) for device in devices]
        return cluster, [DeviceClient(name, target, self._stream, numbers=plan.table.tolerance > 0) for name, target in targets]

    def _run_on(self, cluster: Cluster, clients: Sequence[DeviceClient], stack: ExitStack) -> Outcome:
        plan, ledger = self._plan, self._ledger
        key = f"{TENANT}/{self._stream}"
        context = cluster.context("cli")
        keys = [f"{key}/{client.name}" for client in clients if client.name]
        view = view_of(ledger, self._console, plan.title, keys)
        stack.callback(view.close)
        session = Session(context, key, ledger, view.refresh)
        stack.callback(session.close)
        feed = Feed(context.publisher(), TENANT, self._stream)
        began = time.monotonic()
        static: list[str] = []
        interrupted = False
        try:
            numbers = f", answers right within {plan.table.tolerance:g}" if plan.table.tolerance else ""
            view.say(f"stream {self._stream}: {plan.warmup:,} warm-up rows, then the first model{numbers}")
            self._first_version(session, feed, clients)
            version = ledger.versions[1].event
            static = baseline.answers(baseline.fetch(context, version), version.classes, plan.table.features[plan.warmup :])
            view.say(f"playing {plan.rate:g} rows a second" if plan.rate else f"playing in lockstep, in groups of {plan.group} rows")
            player = Player(plan.table, plan.warmup, plan.delay, clients, feed, session, static, plan.group)
            if plan.rate:
                player.in_real_time(plan.rate)
            else:
                player.lockstep()
        except KeyboardInterrupt:
            interrupted = True
            with suppress(FailedError):
                session.settle(timeout=3.0)
        wall = time.monotonic() - began
        view.close()
        counts = audit.count_again(cluster.settings(), session.starts, key, ledger) if ledger.sent else Counts()
        served_by = {f"{key}/{client.name}" for client in clients}
        report = assemble(ledger, len(clients), plan.title, counts, wall, served_by) | {"group": None if plan.rate else plan.group}
        pictures = self._draw(report, static) if plan.plot_dir and ledger.accuracy.rows else []
        ended = self._ending(context, ledger, sorted(served_by)) if self._ending and not interrupted else None
        return Outcome(report, self._stream, interrupted, pictures, ended)

    def _first_version(self, session: Session, feed: Feed, clients: Sequence[DeviceClient]) -> None:
        plan, ledger = self._plan, self._ledger
        feed.register(plan.table)
        feed.flush()
        session.until(lambda: ledger.definition is not None, "the definition of the stream (do the services work on this cluster?)")
        names = feed.warm_up(plan.table, plan.warmup)
        for row, name in enumerate(names):
            ledger.record(row, name)
        labelled = [row for row in range(plan.warmup) if plan.table.labels[row]]
        sent = feed.labels((names[row], plan.table.labels[row]) for row in labelled)
        for row in labelled:
            ledger.label_sent(row, sent)
        feed.flush()
        session.settle()
        feed.train(len(labelled), plan.seed)
        feed.flush()
        session.until(lambda: bool(ledger.versions) or self._first_run_ended_badly(), "the first version")
        if not ledger.versions:
            run = next(iter(ledger.runs.values())).event
            raise RefusedError(f"training on the {plan.warmup} warm-up rows failed: {run.reason or run.status.value.lower()}")
        session.until(lambda: all(client.version() >= 1 for client in clients), "version 1 on every device")
        session.settle()

    def _first_run_ended_badly(self) -> bool:
        return any(timed.event.status.value in ("REJECTED", "FAILED") for timed in self._ledger.runs.values())

    def _draw(self, report: dict[str, Any], static: Sequence[str]) -> list[Path]:
        plan, ledger = self._plan, self._ledger
        rows = [row for row in sorted(ledger.answers) if plan.table.labels[row]]
        labels = [plan.table.labels[row] for row in rows]
        served = judged([ledger.answers[row] for row in rows], labels, ledger.tolerance)
        never = judged([static[row - plan.warmup] for row in rows], labels, ledger.tolerance)
        assert plan.plot_dir is not None
        title = f"{plan.title}: {report['rows']:,} rows, {report['devices']} devices, {report['fits']} fits"
        return plot.draw(plan.plot_dir, title, rows, served, never, report, plan.known, alarms(ledger))
