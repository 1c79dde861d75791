"""Models that learn from every labelled row in the pooled order. They live in the child process, or in a backtest."""

from __future__ import annotations

import hashlib
from collections import deque

import numpy as np
from numpy.typing import NDArray

from edgeloop_trainer.adapters.river_export import export_river
from edgeloop_trainer.adapters.river_models import RiverModel
from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.gate import Tally
from edgeloop_trainer.core.lessons import Course, Learned, Learner, Lesson

REMEMBERED = 20_000  # newest rows of which it is known whether they were answered right


class OnlineModel:
    """A model that answers each row before it learns from it.

    Parameters
    ----------
    learner
        Which.
    width
        Features of a row.

    Attributes
    ----------
    learned
        Rows that it has learned from.
    broken
        Why it cannot go on, once River has met a row that it cannot bear.
    """

    def __init__(self, learner: Learner, width: int) -> None:
        self.learned = 0
        self.broken = ""
        self._river = RiverModel(learner, width)
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._answers: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._rows = hashlib.sha256()

    @property
    def learner(self) -> Learner:
        """What it was made of."""
        return self._river.learner

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes so far, sorted."""
        return tuple(sorted(self._names))

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
        except Exception as error:  # River raises what it meets, with rows from outside
            self.broken = f"{type(error).__name__}: {error}"

    def _learn(self, features: Floats, labels: tuple[str, ...]) -> None:
        for row, label in zip(features, labels, strict=True):
            answer = self._names[self._river.answer(row)] if self._names else ""
            self._answers.append((answer, label))
            if label not in self._numbers:
                self._numbers[label] = len(self._names)
                self._names.append(label)
            self._river.learn(row, self._numbers[label])
            known = np.where(np.isnan(row), np.float32(np.nan), row)
            text = label.encode()
            self._rows.update(len(text).to_bytes(4, "little") + text + known.astype("<f4").tobytes())
        self.learned += len(labels)

    def right(self, newest: int) -> int:
        """How many of the newest rows it answered right before it learned from them."""
        return sum(answer == label for answer, label in list(self._answers)[-newest:])

    def against_majority(self, newest: int) -> Tally:
        """How it answered the newest rows, against the majority class of those before them."""
        rows = list(self._answers)
        older, held = [label for _, label in rows[:-newest]], rows[-newest:]
        majority = max(sorted(set(older)), key=older.count, default="")
        tally = Tally()
        for answer, label in held:
            tally = tally.add((answer == label, majority == label))
        return tally

    def predict_proba(self, rows: Floats) -> NDArray[np.float64]:
        """Probabilities of the classes, [N, C]."""
        return self._river.predict_proba(rows, len(self._names))[:, self._order]

    def export(self) -> bytes:
        """ONNX file of what has been learned until now."""
        return export_river(self._river, self._order)

    @property
    def _order(self) -> list[int]:
        """River's number of each class."""
        return [self._numbers[name] for name in self.classes]


class OnlineModels:
    """The models of all streams, each as far as its lessons have come; a stream has one course at a time."""

    def __init__(self) -> None:
        self._courses: dict[str, tuple[Course, int, list[OnlineModel]]] = {}

    def learn(self, lesson: Lesson) -> Learned:
        """Take a lesson if it is the next one."""
        course = lesson.course
        if lesson.begin:
            self._courses[course.stream] = (course, lesson.first - 1, [OnlineModel(learner, course.width) for learner in course.learners])
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
