"""The setting of a replay: rows, warm-up, label delay, devices and seed, the same for all policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeloop_replay.errors import BadTableError
from edgeloop_replay.tables.regression import as_task
from edgeloop_replay.tables.stream_table import StreamTable, check_playable
from edgeloop_replay.task import Task

WARMUP = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Everything but the policy; make it with :func:`setting_of`, which checks the table.

    Attributes
    ----------
    title
        Name of the data in reports and messages.
    table
        The rows.
    warmup
        Number of rows that the first model is trained on.
    delay
        Number of rows after which the label of a row follows.
    devices
        Number of devices, which answer in turn.
    group
        Consecutive rows that one device answers before their labels follow.
    seed
        Seed of all fits.
    known
        Rows at which the distribution is known to have changed.
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
        """Number of rows that are answered."""
        return len(self.table) - self.warmup

    @property
    def judged(self) -> list[int]:
        """Answered rows that have a label."""
        return [row for row in range(self.warmup, len(self.table)) if self.table.labels[row]]


def setting_of(
    table: StreamTable,
    title: str,
    *,
    warmup: float = WARMUP,
    task: Task = Task.CLASSIFICATION,
    tolerance: float | None = None,
    delay: int = 0,
    devices: int = 4,
    group: int = 1,
    seed: int = 0,
    known: Sequence[int] = (),
) -> Setting:
    """A setting whose table has been checked.

    Parameters
    ----------
    warmup
        Share of the rows that the first model is trained on.
    task
        Task of the model; recorded rows of a regression keep theirs.
    tolerance
        For a regression: the largest error of a right answer. By default half the interquartile range of the warm-up labels.

    Raises
    ------
    BadTableError
        The table has too few rows or labels, or the labels do not fit the task.
    """
    rows = int(len(table) * warmup)
    try:
        check_playable(table, rows)
        table = as_task(table, task, rows, tolerance)
    except BadTableError as error:
        raise BadTableError(f"{title}: {error}") from None
    return Setting(title, table, rows, delay, devices, group, seed, known)
