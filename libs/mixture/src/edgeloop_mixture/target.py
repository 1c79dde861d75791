"""Labels of a mixture, and learning from one: classes and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from edgeloop_contracts import outcomes
from numpy.typing import NDArray

from edgeloop_mixture.rule import Rule

Doubles = NDArray[np.float64]
MemoryLabels = NDArray[Any]  # int64: indexes of classes; float32: distances from the centre, in deviations

FARTHEST = 1e4  # deviations; bound of an expert's output
STEEPEST = 3.0  # deviations; bound of the error in one step
FENCE = 10.0  # deviations; bound of a memory label's distance from the mixture's answer
NEGLIGIBLE = 0.01  # share of all weight below which an expert's output is ignored, since it may be arbitrary
BINS = 10
LEAST = 1e-30  # least deviation whose inverse is a float32


class Target(Protocol):
    """The kind of a stream's labels."""

    @property
    def width(self) -> int:
        """Outputs of an expert for a row."""
        ...

    def memory_labels(self, labels: Sequence[str]) -> MemoryLabels:
        """Labels in the form of memories [N]."""
        ...

    def bins(self, remembered: MemoryLabels) -> NDArray[np.int64]:
        """Groups of labels [N], for the scaling of columns."""
        ...

    def truth(self, label: str) -> float:
        """A label in the form of the learner: index of a class, or distance from the centre in deviations."""
        ...

    def memory_label(self, truth: float, sums: Doubles, /) -> MemoryLabels:
        """A label in the form of memories [1], where ``sums`` [width] are the mixture's for its row."""
        ...

    def wrong(self, answer: str, label: str) -> bool:
        """Whether an answer counts as wrong."""
        ...

    def loss_of(self, answer: str, truth: float) -> float:
        """Loss of an answer, 0 to 1."""
        ...

    def loss(self, sums: Doubles, truth: float) -> float:
        """Loss of a mixture's sums [width]."""
        ...

    def initial_weights(self, rule: Rule, experts: int) -> Doubles:
        """Weights [K + 1] of experts and bias without history."""
        ...

    def normalized(self, weights: Doubles) -> Doubles:
        """Valid weights of a mixture made from weights [K + 1], or from fewer."""
        ...

    def updated_weights(
        self, rule: Rule, weights: Doubles, biases: tuple[Doubles, Doubles], outputs: Doubles, truth: float
    ) -> tuple[Doubles, Doubles]:
        """Weights and bias after a label.

        Parameters
        ----------
        biases
            The newest bias, and that of the adapter that answered.
        outputs
            Outputs of the experts [K, width].
        """
        ...

    def updated_coefficients(self, rule: Rule, coefficients: Doubles, inputs: Doubles, truth: float) -> Doubles:
        """Coefficients [width, D] of the linear part after a label of a row [D]."""
        ...


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes: experts give logarithms of probabilities, and learn from the log loss of the softmax of their weighted sum."""

    names: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.names)

    def memory_labels(self, labels: Sequence[str]) -> MemoryLabels:
        return np.array([self.names.index(label) for label in labels], np.int64)

    def bins(self, remembered: MemoryLabels) -> NDArray[np.int64]:
        return remembered.astype(np.int64)

    def truth(self, label: str) -> float:
        return self.names.index(label)

    def memory_label(self, truth: float, _: Doubles, /) -> MemoryLabels:
        return np.array([truth], np.int64)

    def wrong(self, answer: str, label: str) -> bool:
        return answer != label

    def loss_of(self, answer: str, truth: float) -> float:
        return float(answer != self.names[int(truth)])

    def loss(self, sums: Doubles, truth: float) -> float:
        return float(sums.argmax() != truth)

    def initial_weights(self, rule: Rule, experts: int) -> Doubles:
        weights = np.full(experts + 1, rule.total * (1 - rule.first) / (experts - 1))
        weights[0], weights[-1] = rule.total * rule.first, 1.0
        return weights

    def normalized(self, weights: Doubles) -> Doubles:
        return weights

    def updated_weights(
        self, rule: Rule, weights: Doubles, biases: tuple[Doubles, Doubles], outputs: Doubles, truth: float
    ) -> tuple[Doubles, Doubles]:
        sums, (bias, then) = weights[:-1] @ outputs, biases
        answered, newest = _gradient(sums + weights[-1] * then, truth), _gradient(sums + bias, truth)
        experts = np.maximum(0.0, weights[:-1] - rule.weight_rate * (outputs @ answered))
        trust = min(1.0, max(0.0, weights[-1] - rule.trust_rate * float(then @ answered)))
        return np.append(experts, trust), rule.bias_decay * (bias - rule.bias_rate * newest)

    def updated_coefficients(self, rule: Rule, coefficients: Doubles, inputs: Doubles, truth: float) -> Doubles:
        gradient = _gradient(coefficients @ inputs, truth)
        return coefficients - rule.linear_rate * gradient[:, None] * inputs


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers: experts give distances from the centre, and the mixture is their weighted mean.

    Weights follow the absolute error by exponentiated gradients with a fixed share (Herbster and Warmuth 1998). They add up to 1, so
    each answer lies within the range of the experts, and an expert without weight recovers soon. There is no bias: on ten streams it
    cost more than it gained. The step of one label is bounded.

    Attributes
    ----------
    centre
        Median of the labels at the start.
    deviation
        Half their interquartile range.
    tolerance
        Largest distance of a right answer from its label.
    """

    centre: float
    deviation: float
    tolerance: float

    @classmethod
    def learned(cls, labels: Sequence[str], tolerance: float) -> Self:
        """Scale learned from the first labels, all of them numbers; if they are equal, the tolerance is the deviation."""
        centre, deviation = spread([float(label) for label in labels])
        return cls(centre, max(deviation or tolerance, LEAST), tolerance)

    @property
    def width(self) -> int:
        return 1

    def memory_labels(self, labels: Sequence[str]) -> MemoryLabels:
        numbers = (np.array([float(label) for label in labels]) - self.centre) / self.deviation
        return np.clip(numbers, -FENCE, FENCE).astype(np.float32)

    def bins(self, remembered: MemoryLabels) -> NDArray[np.int64]:
        edges = np.unique(np.quantile(remembered, np.linspace(0, 1, BINS + 1)[1:-1]))
        return np.searchsorted(edges, remembered, side="right")

    def truth(self, label: str) -> float:
        return (float(label) - self.centre) / self.deviation

    def memory_label(self, truth: float, sums: Doubles, /) -> MemoryLabels:
        return np.clip([truth], sums - FENCE, sums + FENCE).astype(np.float32)

    def wrong(self, answer: str, label: str) -> bool:
        return not outcomes.right(answer, label, self.tolerance)

    def loss_of(self, answer: str, truth: float) -> float:
        number = outcomes.number(answer)
        return 1.0 if number is None else self.loss(np.array([(number - self.centre) / self.deviation]), truth)

    def loss(self, sums: Doubles, truth: float) -> float:
        return min(1.0, abs(float(sums[0]) - truth))

    def initial_weights(self, rule: Rule, experts: int) -> Doubles:
        weights = np.full(experts + 1, (1 - rule.first) / (experts - 1))
        weights[0], weights[-1] = rule.first, 0.0
        return weights

    def normalized(self, weights: Doubles) -> Doubles:
        counted = np.where(weights < NEGLIGIBLE * weights.sum(), 0.0, weights)
        return counted / counted.sum() if counted.any() else np.append(1.0, np.zeros(len(weights) - 1))

    def updated_weights(
        self, rule: Rule, weights: Doubles, biases: tuple[Doubles, Doubles], outputs: Doubles, truth: float
    ) -> tuple[Doubles, Doubles]:
        shares, values = weights[:-1], outputs[:, 0]
        mixed = float(shares @ values)
        slopes = np.clip(np.sign(mixed - truth) * (values - mixed), -STEEPEST, STEEPEST)
        moved = shares * np.exp(-rule.hedge_rate * slopes)
        moved = (1 - rule.fixed_share) * moved / moved.sum() + rule.fixed_share / len(moved)
        return np.append(moved, 0.0), biases[0]

    def updated_coefficients(self, rule: Rule, coefficients: Doubles, inputs: Doubles, truth: float) -> Doubles:
        off = np.clip(coefficients @ inputs - truth, -STEEPEST, STEEPEST)
        step = rule.linear_rate / max(1.0, 2 * rule.linear_rate * float(inputs @ inputs))
        return coefficients - step * off[:, None] * inputs


def spread(numbers: Sequence[float]) -> tuple[float, float]:
    """Median and half the interquartile range; where more than half of the numbers are equal, their mean distance from it instead.

    >>> spread([1.0, 2.0, 3.0, 4.0, 1e6]), spread([0.0, 0.0, 0.0, 0.0, 8.0])
    ((3.0, 1.0), (0.0, 1.6))
    """
    values = np.array(numbers, np.float64)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return middle, (high - low) / 2 or float(np.abs(values - middle).mean())


def _gradient(sums: Doubles, truth: float) -> Doubles:
    """Gradient of the log loss of softmax(sums) for the class with index ``truth``."""
    gradient = np.exp(sums - sums.max())
    gradient /= gradient.sum()
    gradient[int(truth)] -= 1
    return gradient
