"""Training of online models: batches of labelled rows in the pooled order, as far as a request reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import GateState
from edgeloop_readers import RangeGoneError

from edgeloop_trainer.core.fit_result import Failed
from edgeloop_trainer.core.online_group import OnlineBatch, OnlineGroup, OnlineProgress, next_batch
from edgeloop_trainer.io.fit_process import PendingJob
from edgeloop_trainer.io.fit_queue import FitQueue
from edgeloop_trainer.io.rows import Rows

BATCH_ROWS = 500  # a second or two for the slowest family
LAG = 500  # rows that a request may be late without finding models that have learned beyond its row
RESTARTS = 2


@dataclass(slots=True)
class GroupTraining:
    """Progress of a group as this process knows it; the child process has the truth.

    Attributes
    ----------
    group
        The models.
    row
        Newest row that they have learned.
    batch
        The batch that they are learning.
    failure
        Reason why they cannot go on.
    restarts
        Number of times that a fit found them behind.
    requested
        Whether a request waits for them; they then do not go beyond its row.
    """

    group: OnlineGroup
    row: int = 0
    batch: PendingJob | None = None
    failure: Failed | None = None
    restarts: int = 0
    requested: bool = False

    def idle(self) -> bool:
        """Whether no batch is under way; the result of the last one is applied."""
        if self.batch is None:
            return True
        if not self.batch.done():
            return False
        match self.batch.result:
            case OnlineProgress(row=learned):
                self.row, self.failure = learned, None
            case Failed() as failure:
                self.failure = failure
            case _:
                pass
        self.batch = None
        return True


class OnlineTraining:
    """Trains the online models of one partition's streams up to the row of a request, and otherwise keeps them near the newest row.

    Models begin with the oldest row whose place is still stored, which is row 1 for the first hundred thousand rows. They learn each row
    once. Models that have learned too much, or whose process has died, begin anew: equal rows give equal models.

    Parameters
    ----------
    partition
        The partition of ``drift.partials``.
    rows
        Source of rows.
    fits
        Queue of the child process.
    """

    def __init__(self, partition: int, rows: Rows, fits: FitQueue) -> None:
        self._partition = partition
        self._rows = rows
        self._fits = fits
        self._groups: dict[str, GroupTraining] = {}

    def ready(self, key: str, state: GateState, group: OnlineGroup, row: int) -> bool:
        """Whether a group has learned all rows up to ``row`` and none after it, or has failed; asking moves the work on.

        Parameters
        ----------
        state
            The current state of the stream.
        """
        training = self._groups.get(key)
        if training is None or training.group != group:
            training = self._groups[key] = GroupTraining(group)
        training.requested = True
        if not training.idle():
            return False
        if training.failure is not None or training.row == row:
            training.requested = False
            return True
        if row <= state.rows:
            self._train(key, state, training, row)
        return False

    def catch_up(self, key: str, state: GateState) -> None:
        """Train on new rows, but for the newest: a request for one of these may be on its way."""
        training, row = self._groups.get(key), state.rows - LAG
        if training is None or training.requested or not training.idle() or training.failure is not None:
            return
        if row - training.row >= BATCH_ROWS:
            self._train(key, state, training, row)

    def failure(self, key: str) -> Failed | None:
        """The reason why a stream's models cannot go on. It is given once: the next request begins anew."""
        training = self._groups.get(key)
        if training is None or training.failure is None:
            return None
        return self._groups.pop(key).failure

    def restart(self, key: str) -> bool:
        """Note that a stream's models are gone; return whether to train them again."""
        training = self._groups[key]
        self._groups[key] = GroupTraining(training.group, restarts=training.restarts + 1)
        return training.restarts < RESTARTS

    def _train(self, key: str, state: GateState, training: GroupTraining, row: int) -> None:
        group, oldest = training.group, state.marks[0].row + 1 if state.marks else 1
        first, last, begin = next_batch(training.row, oldest, row, BATCH_ROWS)
        try:
            order = self._rows.order(self._partition, key, state.marks, state.last_offset, first, last)
            features, labels = self._rows.at(order.between(first, last), group.width)
        except RangeGoneError:
            features, labels = np.empty((0, group.width), np.float32), []
        training.batch = self._fits.train(OnlineBatch(group, first, last, features, tuple(labels), begin))
