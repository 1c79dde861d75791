"""Learning of a mixture from labels, without Kafka, clock and model runtime."""

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
from edgeloop_mixture.mixture import Adapter, Frame, initial_adapter, with_classes, with_member
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
        The truth, as text.
    answer
        The device's answer; empty if no model answered.
    version, adapter
        Version and adapter that answered.
    """

    features: Floats
    label: str
    answer: str
    version: int
    adapter: int


class Learner:
    """One stream's mixture, updated by labels.

    A late label is learned under the adapter that answered its row: with its memories, linear part and bias. Otherwise, the row's
    neighbours in time would seem to know its label. So the bias, which follows the newest labels, loses its weight where these
    labels say nothing about the rows answered with it.

    Parameters
    ----------
    rule
        Learning rates and limits.
    frame, adapter
        The start.
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
        """A mixture of the first version, learned from the labelled rows before it.

        Parameters
        ----------
        classes
            Of the stream's definition; classes of the labels are added.
        features
            float32 [N, F], N at least 1, in the pooled order.
        rows
            Labelled rows of the stream so far, if more than these.
        tolerance
            Of a stream of numbers; 0 for classes.
        categories
            Number of each feature's categories, 0 for a number; empty if all are numbers.
        """
        numbers = Numbers.learned(labels, tolerance) if tolerance else None
        known = () if numbers else tuple(dict.fromkeys((*first.classes, *classes, *labels)))
        target = numbers or Classes(known)
        truths = target.memory_labels(labels)
        scaling = Scaling.learned(features, target.bins(truths), rule.features, categories)
        rows = len(labels) if rows is None else rows
        frame = Frame(rows, (first,), known, scaling, numbers)
        memory = MemoryRows(len(scaling.features), rule.horizon + PATIENCE, numbers=numbers is not None)
        memory.append(scaling.steps(features), truths)
        learner = cls(rule, frame, initial_adapter(rows, frame, memory.end, rule), memory, rows)
        for scores, truth in zip(scaling.scores(features), truths.tolist(), strict=True):
            learner._linear(scores, truth)
        learner.published = 0
        return learner

    @property
    def adapter(self) -> Adapter:
        """The adapter after the newest row."""
        coefficients = self.coefficients.astype(np.float32)
        doubted = self.comparison.doubts(self.rule)
        return Adapter(self.rows, self.weights.copy(), self.bias.copy(), coefficients, self.memory.end, self.alone, doubted)

    def answering_window(self, number: int) -> tuple[Adapter, Window]:
        """A published adapter, see :meth:`answering_adapter`, with its memory rows."""
        adapter = self.answering_adapter(number)
        return adapter, self.memory.window(adapter.memory_end, self.rule.horizon)

    def answering_adapter(self, number: int) -> Adapter:
        """A published adapter in the current frame; the oldest one of the history if it is no longer there.

        A member that it lacked has no weight.
        """
        versions, adapter = self.history.get(number) or next(iter(self.history.values()))
        weights = dict(zip(versions, adapter.weights.tolist(), strict=False))
        mine = [weights.get(member.version, 0.0) for member in self.frame.members]
        others = adapter.weights[len(versions) :].tolist()
        bias, coefficients = self._padded(adapter.bias), self._padded(adapter.coefficients)
        return replace(adapter, weights=self.frame.target.normalized(np.array(mine + others)), bias=bias, coefficients=coefficients)

    def prepare(self, rows: Sequence[Labelled], newcomer: AdapterMember | None = None) -> bool:
        """Add a version that has answered, and classes of these rows; return whether the frame has changed.

        Called before the experts' outputs for these rows are computed.
        """
        before, adapter = self.frame, self.adapter
        if newcomer is not None and newcomer.version > self.frame.members[-1].version:
            self.frame, adapter = with_member(self.frame, adapter, newcomer, self.rows, self.rule)
            self.weights = adapter.weights
        self.frame, adapter = with_classes(self.frame, adapter, [row.label for row in rows], self.rows)
        self.bias, self.coefficients = self._padded(self.bias), self._padded(self.coefficients)
        if self.alone not in {0, *(member.version for member in self.frame.members)}:
            self.alone = 0
        return self.frame is not before

    def learn(self, row: Labelled, experts: Floats) -> bool:
        """Learn from one row; return whether an adapter is due.

        Parameters
        ----------
        experts
            [K, C]: outputs of the experts under the adapter that answered; logarithms, or numbers, see :mod:`edgeloop_mixture.target`.
        """
        target, rule = self.frame.target, self.rule
        truth = target.truth(row.label)
        outputs = experts.astype(np.float64)
        kept = target.memory_label(truth, self.weights[:-1] @ outputs)
        self._compare(row, outputs, truth)
        biases = self.bias, self._bias_of(row.adapter)
        self.weights, self.bias = target.updated_weights(rule, self.weights, biases, outputs, truth)
        features = row.features[None]
        self._linear(self.frame.scaling.scores(features)[0], truth)
        self.memory.append(self.frame.scaling.steps(features), kept)
        self.rows += 1
        self.mistakes += target.wrong(row.answer, row.label)
        since = self.rows - self.published
        return since >= rule.publish_every or (since >= rule.publish_least and self.mistakes >= rule.publish_mistakes)

    def publish(self) -> Adapter:
        """The adapter for devices; it joins the history."""
        adapter = self.adapter
        self.history[adapter.number] = (tuple(member.version for member in self.frame.members), adapter)
        while len(self.history) > REMEMBERED:
            self.history.popitem(last=False)
        self.published, self.mistakes = adapter.number, 0
        return adapter

    def _compare(self, row: Labelled, outputs: Doubles, truth: float) -> None:
        """Compare the mixture with the first version by their answers at that time, given or computed."""
        target, known = self.frame.target, self.history.get(row.adapter)
        if known is not None and known[1].alone:
            mixture = target.loss(self.answering_adapter(row.adapter).sums(outputs), truth)
        else:
            mixture = target.loss_of(row.answer, truth)
        doubted = known is not None and known[1].doubted
        self.comparison = self.comparison.after(self.rule, mixture, target.loss(outputs[0], truth), doubted=doubted)
        self.alone = self.frame.members[0].version if self.comparison.against(self.rule) else 0

    def _bias_of(self, number: int) -> Doubles:
        """The bias of the adapter that answered; zeros if it is not in the history."""
        known = self.history.get(number)
        return np.zeros(len(self.bias)) if known is None else self._padded(known[1].bias)

    def _padded(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Numbers of each class [C, ...], with zeros for later classes."""
        missing = self.frame.target.width - len(numbers)
        return np.pad(numbers, [(0, missing)] + [(0, 0)] * (numbers.ndim - 1)) if missing else numbers

    def _linear(self, scores: Floats, truth: float) -> None:
        inputs = np.append(scores.astype(np.float64), 1.0)
        self.coefficients = self.frame.target.updated_coefficients(self.rule, self.coefficients, inputs, truth)
