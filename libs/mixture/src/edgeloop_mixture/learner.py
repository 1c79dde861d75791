"""What a mixture learns from a label: no Kafka, no clock, no model runtime."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from edgeloop_contracts import AdapterMember
from numpy.typing import NDArray

from edgeloop_mixture.comparison import Comparison
from edgeloop_mixture.memory import MemoryRows, Window
from edgeloop_mixture.mixture import Adapter, Frame, begun, joined, widened
from edgeloop_mixture.rule import PATIENCE, Rule
from edgeloop_mixture.scaling import Floats, Scaling
from edgeloop_mixture.target import Classes, Doubles, Numbers

REMEMBERED = 512  # adapters


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A row with its label.

    Attributes
    ----------
    features
        float32 [F].
    label
        What turned out to be true.
    answer
        What the device answered; empty where nothing did.
    version, adapter
        What answered.
    """

    features: Floats
    label: str
    answer: str
    version: int
    adapter: int


class Learner:
    """One stream's mixture, moved by labels.

    A label that comes late is learned from as the row was answered: with the memories, the linear part and the bias of the
    adapter that answered it. Otherwise what lies beside the row in time would seem to know its label. So the bias, which
    follows the newest labels, loses its weight where these say nothing of the rows that are answered with it.

    Parameters
    ----------
    rule
        How to learn.
    frame, adapter
        What to go on from.
    memory
        Rows of the memories.
    rows
        Labelled rows of the stream so far.

    Attributes
    ----------
    comparison
        Of the mixture with the first version.
    published
        Number of the newest published adapter.
    mistakes
        Wrong answers among the labels since then.
    """

    def __init__(self, rule: Rule, frame: Frame, adapter: Adapter, memory: MemoryRows, rows: int) -> None:
        self.rule = rule
        self.frame = frame
        self.memory = memory
        self.rows = rows
        self.weights = adapter.weights.copy()
        self.bias = adapter.bias.copy()
        self.coefficients: Doubles = adapter.coefficients.astype(np.float64)
        self.alone = adapter.alone
        self.comparison = Comparison()
        self.published = adapter.number
        self.mistakes = 0
        self.history: OrderedDict[int, tuple[tuple[int, ...], Adapter]] = OrderedDict()

    @classmethod
    def begin(
        cls,
        rule: Rule,
        first: AdapterMember,
        classes: Sequence[str],
        features: Floats,
        labels: Sequence[str],
        rows: int | None = None,
        *,
        tolerance: float = 0.0,
        categories: Sequence[int] = (),
    ) -> Learner:
        """A mixture of the first version, with the labelled rows from before it.

        Parameters
        ----------
        classes
            Of the stream's definition; those of the labels are added.
        features
            float32 [N, F], N at least 1, in the pooled order.
        rows
            Labelled rows of the stream so far, where there are more than these.
        tolerance
            Of a stream of numbers; 0 for classes.
        categories
            How many each feature has, 0 for a number; empty if all are numbers.
        """
        numbers = Numbers.learned(labels, tolerance) if tolerance else None
        known = () if numbers else tuple(dict.fromkeys((*first.classes, *classes, *labels)))
        target = numbers or Classes(known)
        truths = target.remembered(labels)
        scaling = Scaling.learned(features, target.bins(truths), rule.features, categories)
        rows = len(labels) if rows is None else rows
        frame = Frame(rows, (first,), known, scaling, numbers)
        memory = MemoryRows(len(scaling.features), rule.horizon + PATIENCE, numbers=numbers is not None)
        memory.append(scaling.steps(features), truths)
        learner = cls(rule, frame, begun(rows, frame, memory.end, rule), memory, rows)
        for scores, truth in zip(scaling.scores(features), truths.tolist(), strict=True):
            learner._linear(scores, truth)
        learner.published = 0
        return learner

    @property
    def adapter(self) -> Adapter:
        """What has been learned until now."""
        coefficients = self.coefficients.astype(np.float32)
        doubted = self.comparison.doubts(self.rule)
        return Adapter(self.rows, self.weights.copy(), self.bias.copy(), coefficients, self.memory.end, self.alone, doubted)

    def as_answered(self, number: int) -> tuple[Adapter, Window]:
        """A published adapter as :meth:`answered` gives it, with its memories."""
        adapter = self.answered(number)
        return adapter, self.memory.window(adapter.memory_end, self.rule.horizon)

    def answered(self, number: int) -> Adapter:
        """A published adapter in today's frame; the oldest remembered one if it is forgotten.

        A member that was not in it has no weight.
        """
        versions, adapter = self.history.get(number) or next(iter(self.history.values()))
        weights = dict(zip(versions, adapter.weights.tolist(), strict=False))
        mine = [weights.get(member.version, 0.0) for member in self.frame.members]
        others = adapter.weights[len(versions) :].tolist()
        bias, coefficients = self._padded(adapter.bias), self._padded(adapter.coefficients)
        return replace(adapter, weights=self.frame.target.balanced(np.array(mine + others)), bias=bias, coefficients=coefficients)

    def prepare(self, rows: Sequence[Labelled], newcomer: AdapterMember | None = None) -> bool:
        """Take in a version that has answered, and classes that rows name; give back whether the frame has changed.

        Called before what the experts say of these rows is computed.
        """
        before, adapter = self.frame, self.adapter
        if newcomer is not None and newcomer.version > self.frame.members[-1].version:
            self.frame, adapter = joined(self.frame, adapter, newcomer, self.rows, self.rule)
            self.weights = adapter.weights
        self.frame, adapter = widened(self.frame, adapter, [row.label for row in rows], self.rows)
        self.bias, self.coefficients = self._padded(self.bias), self._padded(self.coefficients)
        if self.alone not in {0, *(member.version for member in self.frame.members)}:
            self.alone = 0
        return self.frame is not before

    def learn(self, row: Labelled, experts: Floats) -> bool:
        """Learn from one row; give back whether an adapter is due.

        Parameters
        ----------
        experts
            [K, C]: what each expert said, as the row was answered; logarithms, or numbers, see :mod:`edgeloop_mixture.target`.
        """
        target, rule = self.frame.target, self.rule
        truth = target.truth(row.label)
        said = experts.astype(np.float64)
        kept = target.kept(truth, self.weights[:-1] @ said)
        self._compare(row, said, truth)
        biases = self.bias, self._bias_of(row.adapter)
        self.weights, self.bias = target.weighed(rule, self.weights, biases, said, truth)
        features = row.features[None]
        self._linear(self.frame.scaling.scores(features)[0], truth)
        self.memory.append(self.frame.scaling.steps(features), kept)
        self.rows += 1
        self.mistakes += target.wrong(row.answer, row.label)
        since = self.rows - self.published
        return since >= rule.publish_every or (since >= rule.publish_least and self.mistakes >= rule.publish_mistakes)

    def publish(self) -> Adapter:
        """What has been learned until now, as what devices will answer with."""
        adapter = self.adapter
        self.history[adapter.number] = (tuple(member.version for member in self.frame.members), adapter)
        while len(self.history) > REMEMBERED:
            self.history.popitem(last=False)
        self.published, self.mistakes = adapter.number, 0
        return adapter

    def _compare(self, row: Labelled, said: Doubles, truth: float) -> None:
        """Weigh the mixture against the first version by what they answered, or would have answered, then."""
        target, known = self.frame.target, self.history.get(row.adapter)
        if known is not None and known[1].alone:
            mixture = target.loss(self.answered(row.adapter).sums(said), truth)
        else:
            mixture = target.loss_of(row.answer, truth)
        doubted = known is not None and known[1].doubted
        self.comparison = self.comparison.after(self.rule, mixture, target.loss(said[0], truth), doubted=doubted)
        self.alone = self.frame.members[0].version if self.comparison.against(self.rule) else 0

    def _bias_of(self, number: int) -> Doubles:
        """The bias of the adapter that answered; zeros where it is forgotten or there was none."""
        known = self.history.get(number)
        return np.zeros(len(self.bias)) if known is None else self._padded(known[1].bias)

    def _padded(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Numbers of each class [C, ...], with zeros for classes that came later."""
        missing = self.frame.target.width - len(numbers)
        return np.pad(numbers, [(0, missing)] + [(0, 0)] * (numbers.ndim - 1)) if missing else numbers

    def _linear(self, scores: Floats, truth: float) -> None:
        inputs = np.append(scores.astype(np.float64), 1.0)
        self.coefficients = self.frame.target.linear(self.rule, self.coefficients, inputs, truth)
