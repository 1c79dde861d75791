"""Online models: they learn each labelled row in the pooled order. They live in the child process or in a replay."""

from __future__ import annotations

import hashlib
import math
from collections import deque

import numpy as np
from edgeloop_contracts.outcomes import error, plain

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.gate import NumberTally, Tally, outcomes
from edgeloop_trainer.core.online_group import OnlineBatch, OnlineGroup, OnlineProgress, OnlineSpec
from edgeloop_trainer.core.recall import Scores
from edgeloop_trainer.io.river_export import export_river
from edgeloop_trainer.io.river_models import RiverClassifier, RiverRegressor

REMEMBERED = 20_000  # newest rows whose answers are kept


class OnlineModel:
    """A model that answers each row before it learns it.

    Parameters
    ----------
    spec
        Its specification.
    width
        Features of a row.
    categories
        Number of categories of each feature, 0 for a number; empty if all features are numbers.

    Attributes
    ----------
    spec
        Its specification.
    river
        River's model.
    learned
        Number of rows learned.
    broken
        Reason why it cannot go on, after River raised an error; empty for none.
    """

    def __init__(self, spec: OnlineSpec, width: int, categories: tuple[int, ...] = ()) -> None:
        self.spec = spec
        self.learned = 0
        self.broken = ""
        self.river = (RiverRegressor if spec.numbers else RiverClassifier)(spec, width, categories)
        self._answers: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._rows = hashlib.sha256()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes so far, sorted; none if labels are numbers."""
        return self.river.classes

    @property
    def digest(self) -> str:
        """SHA-256 over the learned rows in their order, hex."""
        return self._rows.hexdigest()

    def learn(self, features: Floats, labels: tuple[str, ...]) -> None:
        """Answer and learn rows, float32 [N, F], one by one, until River raises an error."""
        if self.broken:
            return
        try:
            self._learn(features, labels)
        except Exception as failure:  # River raises any error, on rows from outside
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
        """Scores of the newest rows, answered before they were learned: 1 for the right class, or the absolute error of a number.

        A row without an answer has the worst score.
        """
        missed = [error(answer, label, numbers=self.spec.numbers) for answer, label in list(self._answers)[-newest:]]
        missed = [math.inf if self.spec.numbers else 1.0] * (newest - len(missed)) + missed
        return np.array(missed) if self.spec.numbers else 1 - np.array(missed)

    def against_constant(self, newest: int) -> Tally:
        """The newest rows, compared with the majority class, or the median, of the rows before them."""
        numbers, rows = self.spec.numbers, list(self._answers)
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
        """ONNX file of the present state."""
        return export_river(self.river)


class OnlineModels:
    """The online models of all streams. A stream has one group at a time."""

    def __init__(self) -> None:
        self._groups: dict[str, tuple[OnlineGroup, int, list[OnlineModel]]] = {}

    def learn(self, batch: OnlineBatch) -> OnlineProgress:
        """Learn a batch if it continues the group."""
        group = batch.group
        if batch.begin:
            begun = [OnlineModel(spec, group.width, group.categories) for spec in group.specs]
            self._groups[group.stream] = (group, batch.first - 1, begun)
        models = self.models(group)
        if not models or self.row(group) != batch.first - 1:
            return OnlineProgress(self.row(group))
        for model in models:
            model.learn(batch.features, batch.labels)
        self._groups[group.stream] = (group, batch.last, models)
        return OnlineProgress(batch.last)

    def row(self, group: OnlineGroup) -> int:
        """Newest row that a group has learned; 0 for none."""
        known = self._groups.get(group.stream)
        return known[1] if known and known[0] == group else 0

    def models(self, group: OnlineGroup) -> list[OnlineModel]:
        """The models of a group, in the order of its online_specifications; none if it has not begun."""
        known = self._groups.get(group.stream)
        return known[2] if known and known[0] == group else []
