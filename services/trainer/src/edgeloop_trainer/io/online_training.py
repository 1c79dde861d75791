"""Lessons for online models: the labelled rows of a stream in the pooled order, as far as a request reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import GateState
from edgeloop_contracts.row_references import Reference, mark_before, replayed
from edgeloop_readers import RangeGoneError

from edgeloop_trainer.core.fits import Failed
from edgeloop_trainer.core.lessons import Course, Learned, Lesson
from edgeloop_trainer.io.fit_queue import FitQueue
from edgeloop_trainer.io.fitting import Pending
from edgeloop_trainer.io.rows import Rows

LESSON = 500  # rows: a second or two for the slowest family
LAG = 500  # rows that a request may come late without finding models that have learned more than it asks for
RESTARTS = 2


@dataclass(slots=True)
class Progress:
    """How far a course has come, as far as is known here; the child knows better.

    Attributes
    ----------
    row
        Newest row that its models have learned.
    lesson
        What they are learning now.
    failure
        Why they cannot go on.
    restarts
        How often they were found to have begun anew when a fit was to be made.
    wanted
        Whether a request waits for them; they do not go beyond it then.
    """

    course: Course
    row: int = 0
    lesson: Pending | None = None
    failure: Failed | None = None
    restarts: int = 0
    wanted: bool = False

    def idle(self) -> bool:
        """Whether no lesson is under way; what came of the last one is taken in."""
        if self.lesson is None:
            return True
        if not self.lesson.done():
            return False
        match self.lesson.result:
            case Learned(row=learned):
                self.row, self.failure = learned, None
            case Failed() as failure:
                self.failure = failure
            case _:
                pass
        self.lesson = None
        return True


class Teacher:
    """Brings the online models of one partition's streams to the row of a request, and meanwhile keeps them near the newest row.

    Models begin with the oldest row whose place is still kept, which is the first one until there are a hundred thousand, and learn each
    row once. Models that have learned too much, or whose process has died, begin anew: it is the rows that make a model, not its history.

    Parameters
    ----------
    partition
        Of ``drift.partials``.
    rows, fits
        Where rows come from, and who teaches.
    """

    def __init__(self, partition: int, rows: Rows, fits: FitQueue) -> None:
        self._partition = partition
        self._rows = rows
        self._fits = fits
        self._courses: dict[str, Progress] = {}

    def ready(self, key: str, gate: GateState, course: Course, row: int) -> bool:
        """Whether the models of a course have learned all rows up to ``row`` and none after it, or cannot; asking moves the work on.

        Parameters
        ----------
        gate
            The stream's state as it is now.
        """
        known = self._courses.get(key)
        if known is None or known.course != course:
            known = self._courses[key] = Progress(course)
        known.wanted = True
        if not known.idle():
            return False
        if known.failure is not None or known.row == row:
            known.wanted = False
            return True
        if row <= gate.rows:
            self._teach(key, gate, known, row)
        return False

    def go_on(self, key: str, gate: GateState) -> None:
        """Teach rows that have come since, but for the newest: a request for one of these may be on its way."""
        known, row = self._courses.get(key), gate.rows - LAG
        if known is not None and not known.wanted and known.idle() and known.failure is None and row - known.row >= LESSON:
            self._teach(key, gate, known, row)

    def failure(self, key: str) -> Failed | None:
        """Why a stream's models cannot go on; asked once, the next request begins anew."""
        known = self._courses.get(key)
        if known is None or known.failure is None:
            return None
        return self._courses.pop(key).failure

    def begins_anew(self, key: str) -> bool:
        """Note that a stream's models are gone; give back whether to teach them again."""
        known = self._courses[key]
        self._courses[key] = Progress(known.course, restarts=known.restarts + 1)
        return known.restarts < RESTARTS

    def _teach(self, key: str, gate: GateState, known: Progress, row: int) -> None:
        oldest = gate.marks[0].row + 1 if gate.marks else 1
        begin = known.row == 0 or known.row > row
        first = oldest if begin else known.row + 1
        last = min(row, first + LESSON - 1)
        try:
            features, labels = self._rows.at(self._references(key, gate, first, last), known.course.width)
        except RangeGoneError:
            features, labels = np.empty((0, known.course.width), np.float32), []
        known.lesson = self._fits.teach(Lesson(known.course, first, last, features, tuple(labels), begin))

    def _references(self, key: str, gate: GateState, first: int, last: int) -> list[Reference]:
        mark = mark_before(gate.marks, first)
        if mark is None or gate.last_offset is None:
            raise RangeGoneError(f"row {first} of {key} is older than the order that is kept")
        end = next((later.offset for later in gate.marks if later.row >= last), gate.last_offset + 1)
        return replayed(mark, self._rows.partials(self._partition, key, mark.offset, end)).between(first, last)
