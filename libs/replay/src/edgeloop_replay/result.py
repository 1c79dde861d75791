"""The replay of one policy, and its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeloop_replay.accuracy import judged
from edgeloop_replay.backtest_report import report, right
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.policy import Policy
from edgeloop_replay.report import alarms
from edgeloop_replay.setting import Setting

Progress = Callable[[int], None]
"""Called now and then with the number of rows answered so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The result of a policy. N is the number of answered rows that have a label.

    Attributes
    ----------
    report
        See :func:`edgeloop_replay.backtest_report.report`.
    right
        Whether each answer of the fleet was right, bool [N].
    static
        Whether each answer of version 1 would have been right, bool [N].
    alarms
        Rows at which the error rate rose, with the detector.
    """

    report: dict[str, Any]
    right: NDArray[np.bool_]
    static: NDArray[np.bool_]
    alarms: Sequence[tuple[int, str]]


def replay(setting: Setting, policy: Policy | None = None, progress: Progress = lambda _: None) -> Result:
    """Replay the closed loop under one policy.

    Parameters
    ----------
    policy
        By default the policy that the services have without settings.

    Raises
    ------
    NoFirstModelError
        Training on the warm-up rows failed.

    Examples
    --------
    >>> from edgeloop_replay import StreamTable, setting_of
    >>> features = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
    >>> sign = np.where(np.arange(600) < 300, 1, -1)
    >>> labels = tuple(np.where(sign * features[:, 0] > 0, "up", "down").tolist())
    >>> table = StreamTable(("x", "y"), features, (False, False), "trend", labels)
    >>> result = replay(setting_of(table, "turning", warmup=0.2))
    >>> result.report["rows"], result.right.mean() > result.static.mean()
    (480, np.True_)
    """
    began = time.monotonic()
    table, warmup = setting.table, setting.warmup
    loop = ReplayLoop(table, warmup, setting.delay, setting.devices, setting.group, setting.seed, policy or Policy())
    loop.run(progress)
    progress(setting.rows)
    static = loop.trainer.versions[1].model.answers(table.features[warmup:])
    rows = setting.judged
    return Result(
        report(loop, setting.devices, setting.title, time.monotonic() - began, setting.known),
        right(loop, table.labels, warmup),
        judged([static[row - warmup] for row in rows], [table.labels[row] for row in rows], table.tolerance),
        alarms(loop.ledger),
    )
