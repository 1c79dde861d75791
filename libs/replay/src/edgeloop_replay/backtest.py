"""Several policies on one stream, side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeloop_replay.accuracy import judged
from edgeloop_replay.backtest_report import report, right
from edgeloop_replay.errors import NoFirstModelError
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.policy import LoopPolicy
from edgeloop_replay.report import alarms
from edgeloop_replay.tables.stream_table import StreamTable


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What all policies of a backtest are tried on; fields as in ``edgeloop run``.

    Attributes
    ----------
    group
        Consecutive rows that go to one device before their labels follow.
    known
        Rows at which the world is known to have changed.
    """

    title: str
    table: StreamTable
    warmup: int
    delay: int = 0
    devices: int = 4
    group: int = 1
    seed: int = 0
    known: Sequence[int] = ()

    @property
    def rows(self) -> int:
        """Rows that are answered."""
        return len(self.table) - self.warmup

    @property
    def judged(self) -> list[int]:
        """Those of them that have a label."""
        return [row for row in range(self.warmup, len(self.table)) if self.table.labels[row]]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a policy came to.

    Attributes
    ----------
    report
        See :func:`edgeloop_replay.backtest_report.report`.
    alarms
        Rows at which errors were seen to rise, and by which detector.
    right, static
        Whether each answer to a row with a label was right: the fleet's, and version 1's.
    """

    report: dict[str, Any]
    right: NDArray[np.bool_]
    static: NDArray[np.bool_]
    alarms: Sequence[tuple[int, str]]


Tell = Callable[[str, int], None]


def _silent(name: str, rows: int) -> None:
    """Tell nobody."""


def backtest(setting: Setting, policies: Mapping[str, LoopPolicy], jobs: int = 1, tell: Tell = _silent) -> dict[str, Result]:
    """Try policies; ``tell`` is called with a policy's name and the rows it has done.

    Raises
    ------
    NoFirstModelError
        One of them has no first model.
    """
    if len(policies) == 1 or jobs == 1:
        return {name: _one(setting, policy, lambda rows, name=name: tell(name, rows)) for name, policy in policies.items()}
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    done: dict[str, Result] = {}
    with ProcessPoolExecutor(jobs, context, _start, (setting, told)) as pool:
        # Ctrl-C reaches the whole group: the children leave it to us to end them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            futures: dict[Future[Result], str] = {pool.submit(_in_child, name, policy): name for name, policy in policies.items()}
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            while not all(future.done() for future in futures):
                _pass_on(told, tell)
            for future in as_completed(futures):
                done[futures[future]] = future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
    return {name: done[name] for name in policies}


def default_jobs(policies: int) -> int:
    """As many processes as there are cores, and no more than policies."""
    return max(1, min(policies, len(os.sched_getaffinity(0))))


def _one(setting: Setting, policy: LoopPolicy, tell: Callable[[int], None]) -> Result:
    began = time.monotonic()
    loop = ReplayLoop(setting.table, setting.warmup, setting.delay, setting.devices, setting.group, setting.seed, policy)
    loop.run(tell)
    tell(setting.rows)
    table = setting.table
    static = loop.trainer.versions[1].model.answers(table.features[setting.warmup :])
    return Result(
        report(loop, setting.devices, setting.title, time.monotonic() - began, setting.known),
        right(loop, table.labels, setting.warmup),
        judged([static[row - setting.warmup] for row in setting.judged], [table.labels[row] for row in setting.judged], table.tolerance),
        alarms(loop.ledger),
    )


_setting: Setting | None = None
_told: Any = None


def _start(setting: Setting, told: Any) -> None:
    global _setting, _told  # a process of the pool serves one backtest
    _setting, _told = setting, told


def _in_child(name: str, policy: LoopPolicy) -> Result:
    assert _setting is not None
    try:
        return _one(_setting, policy, lambda rows: _told.put((name, rows)))
    except NoFirstModelError as error:
        raise NoFirstModelError(f"policy {name}: {error}") from None


def _pass_on(told: Any, tell: Tell) -> None:
    try:
        name, rows = told.get(timeout=0.1)
        tell(name, rows)
    except queue.Empty:
        return
