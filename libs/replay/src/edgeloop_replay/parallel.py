"""Several policies on one setting, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import Any

from edgeloop_replay.errors import NoFirstModelError
from edgeloop_replay.policy import Policy
from edgeloop_replay.result import Result, replay
from edgeloop_replay.setting import Setting

Progress = Callable[[str, int], None]
"""Called now and then with the name of a policy and the number of rows that it has answered."""


def backtest(
    setting: Setting, policies: Mapping[str, Policy], jobs: int = 1, progress: Progress = lambda _name, _rows: None
) -> dict[str, Result]:
    """Replay several policies on the same rows.

    Parameters
    ----------
    jobs
        Number of processes; with 1 the replays run in this process.

    Returns
    -------
    dict
        The result of each policy by its name, in the order of ``policies``.

    Raises
    ------
    NoFirstModelError
        Training on the warm-up rows failed under one of the policies.
    """
    if len(policies) == 1 or jobs == 1:
        return {name: replay(setting, policy, lambda rows, name=name: progress(name, rows)) for name, policy in policies.items()}
    context = multiprocessing.get_context("spawn")
    counts: Any = context.Queue()
    done: dict[str, Result] = {}
    with ProcessPoolExecutor(jobs, context, _start, (setting, counts)) as pool:
        # Ctrl-C reaches the whole process group; this process ends the children.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            futures: dict[Future[Result], str] = {pool.submit(_replay_in_child, name, policy): name for name, policy in policies.items()}
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            while not all(future.done() for future in futures):
                _forward(counts, progress)
            for future in as_completed(futures):
                done[futures[future]] = future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
    return {name: done[name] for name in policies}


def default_jobs(policies: int) -> int:
    """Number of usable cores, at most one for each policy."""
    return max(1, min(policies, len(os.sched_getaffinity(0))))


_setting: Setting | None = None
_counts: Any = None


def _start(setting: Setting, counts: Any) -> None:
    global _setting, _counts  # a process of the pool serves one backtest
    _setting, _counts = setting, counts


def _replay_in_child(name: str, policy: Policy) -> Result:
    assert _setting is not None
    try:
        return replay(_setting, policy, lambda rows: _counts.put((name, rows)))
    except NoFirstModelError as error:
        raise NoFirstModelError(f"policy {name}: {error}") from None


def _forward(counts: Any, progress: Progress) -> None:
    try:
        name, rows = counts.get(timeout=0.1)
        progress(name, rows)
    except queue.Empty:
        return
