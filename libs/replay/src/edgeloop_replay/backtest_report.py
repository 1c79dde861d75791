"""Report of a backtest: that of a run, and figures that only a backtest can count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeloop_replay.accuracy import judged
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.report import Counts, alarms, assemble

NOTICED = 2_000  # rows after a change within which an alarm counts as noticing it


def report(loop: ReplayLoop, devices: int, stream: str, wall: float, known: Sequence[int]) -> dict[str, Any]:
    """The report of ``edgeloop run``, and besides it: rows trained, adapters, bytes a device receives, labels, and drift.

    Parameters
    ----------
    known
        Rows of known changes; without any, ``drift`` counts the alarms only.
    """
    ledger = loop.ledger
    sent = ledger.sent + ledger.labelled
    return {
        **assemble(ledger, devices, stream, Counts(produced=sent), wall, set()),
        "rows_trained": loop.trainer.rows_fitted,
        "adapters": loop.adapter.published,
        "bytes_per_device": {"versions": loop.version_bytes, "adapters": loop.adapter.bytes},
        "labels": ledger.labelled,
        "drift": noticed([row for row, _ in alarms(ledger)], known, len(loop.ledger.served)),
    }


def noticed(found: Sequence[int], known: Sequence[int], end: int) -> dict[str, Any]:
    """Detection of changes.

    Examples
    --------
    >>> noticed([120, 150, 900], known=[100, 500], end=1_000)
    {'alarms': 3, 'delay_p50': 210, 'missed': 0, 'false_alarms': 0}
    >>> noticed([50], known=[], end=1_000)
    {'alarms': 1, 'delay_p50': None, 'missed': None, 'false_alarms': None}
    """
    if not known:
        return {"alarms": len(found), "delay_p50": None, "missed": None, "false_alarms": None}
    delays: list[int] = []
    explained: set[int] = set()
    for change, following in zip(known, [*known[1:], end], strict=True):
        after = [row for row in found if change <= row < min(change + NOTICED, following)]
        explained.update(after)
        delays += [after[0] - change] if after else []
    # The mean of the two middle ones of an even count, in whole rows.
    middle = int(median(delays)) if delays else None
    return {
        "alarms": len(found),
        "delay_p50": middle,
        "missed": len(known) - len(delays),
        "false_alarms": len(set(found) - explained),
    }


def right(loop: ReplayLoop, labels: Sequence[str], first: int) -> NDArray[np.bool_]:
    """Whether each answer from row ``first`` on was right; rows without a label are left out."""
    rows = [row for row in range(first, len(labels)) if labels[row]]
    return judged([loop.ledger.answers[row] for row in rows], [labels[row] for row in rows], loop.ledger.tolerance)


def known_changes(truth: Mapping[str, Any], rows: int) -> list[int]:
    """Rows of the known changes in a truth file: ``change_points``, else published and measured ones."""
    points = truth.get("change_points") or [*truth.get("published_change_point", []), *truth.get("measured_class_mix_breaks", [])]
    return sorted(int(point) for point in points if int(point) < rows)
