"""Models that learn from every labelled row in the pooled order. They live in the child process, or in a backtest."""

from __future__ import annotations

import hashlib
import math
from collections import deque

import numpy as np
from edgeloop_contracts.outcomes import error, plain

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.gate import NumberTally, Tally, outcomes
from edgeloop_trainer.core.lessons import Course, Learned, Learner, Lesson
from edgeloop_trainer.core.recall import Scores
from edgeloop_trainer.io.river_export import export_river
from edgeloop_trainer.io.river_models import RiverClassifier, RiverRegressor

REMEMBERED = 20_000  # newest rows of which it is known how they were answered


class OnlineModel:
    """A model that answers each row before it learns from it.

    Parameters
    ----------
    learner
        Which.
    width
        Features of a row.
    categories
        How many each feature has, 0 for a number; empty if all are numbers.

    Attributes
    ----------
    learner
        What it was made of.
    river
        River's model.
    learned
        Rows that it has learned from.
    broken
        Why it cannot go on, once River has met a row that it cannot bear.
    """

    def __init__(self, learner: Learner, width: int, categories: tuple[int, ...] = ()) -> None:
        self.learner = learner
        self.learned = 0
        self.broken = ""
        self.river = (RiverRegressor if learner.numbers else RiverClassifier)(learner, width, categories)
        self._answers: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._rows = hashlib.sha256()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes so far, sorted; none where labels are numbers."""
        return self.river.classes

    @property
    def digest(self) -> str:
        """SHA-256 over the rows that it has learned from, in their order, hex."""
        return self._rows.hexdigest()

    def learn(self, features: Floats, labels: tuple[str, ...]) -> None:
        """Answer and learn rows, float32 [N, F], one by one; after one that River cannot bear, none."""
        if self.broken:
            return
        try:
            self._learn(features, labels)
        except Exception as failure:  # River raises what it meets, with rows from outside
            self.broken = f"{type(failure).__name__}: {failure}"

    def _learn(self, features: Floats, labels: tuple[str, ...]) -> None:
        for row, label in zip(features, labels, strict=True):
            self._answers.append((self.river.answer(row), label))
            self.river.learn(row, label)
            known = np.where(np.isnan(row), np.float32(np.nan), row)
            text = label.encode()
            self._rows.update(len(text).to_bytes(4, "little") + text + known.astype("<f4").tobytes())
        self.learned += len(labels)

    def scores(self, newest: int) -> Scores:
        """What it made of the newest rows before it learned from them: 1 for a class that is right, or the absolute error of a number.

        A row that it was never asked for is as wrong as can be.
        """
        missed = [error(answer, label, numbers=self.learner.numbers) for answer, label in list(self._answers)[-newest:]]
        missed = [math.inf if self.learner.numbers else 1.0] * (newest - len(missed)) + missed
        return np.array(missed) if self.learner.numbers else 1 - np.array(missed)

    def against_constant(self, newest: int) -> Tally:
        """How it answered the newest rows, against the majority class, or the median, of those before them."""
        numbers, rows = self.learner.numbers, list(self._answers)
        older, held = [label for _, label in rows[:-newest]], rows[-newest:]
        if numbers:
            constant = plain(float(np.median([float(label) for label in older]))) if older else plain(0.0)
        else:
            constant = max(sorted(set(older)), key=older.count, default="")
        tally = NumberTally() if numbers else Tally()
        answers, labels = [answer for answer, _ in held], [label for _, label in held]
        for outcome in outcomes(answers, [constant] * len(held), labels, numbers=numbers):
            tally = tally.add(outcome)
        return tally

    def export(self) -> bytes:
        """ONNX file of what has been learned until now."""
        return export_river(self.river)


class OnlineModels:
    """The models of all streams, each as far as its lessons have come; a stream has one course at a time."""

    def __init__(self) -> None:
        self._courses: dict[str, tuple[Course, int, list[OnlineModel]]] = {}

    def learn(self, lesson: Lesson) -> Learned:
        """Take a lesson if it is the next one."""
        course = lesson.course
        if lesson.begin:
            begun = [OnlineModel(learner, course.width, course.categories) for learner in course.learners]
            self._courses[course.stream] = (course, lesson.first - 1, begun)
        models = self.models(course)
        if not models or self.row(course) != lesson.first - 1:
            return Learned(self.row(course))
        for model in models:
            model.learn(lesson.features, lesson.labels)
        self._courses[course.stream] = (course, lesson.last, models)
        return Learned(lesson.last)

    def row(self, course: Course) -> int:
        """Newest row that a course has come to; 0 where it has not begun."""
        known = self._courses.get(course.stream)
        return known[1] if known and known[0] == course else 0

    def models(self, course: Course) -> list[OnlineModel]:
        """The models of a course, in the order of its learners; none where it has not begun."""
        known = self._courses.get(course.stream)
        return known[2] if known and known[0] == course else []
