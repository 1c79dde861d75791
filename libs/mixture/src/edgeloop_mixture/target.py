"""What a label is to a mixture, and how it learns from one: classes, and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from edgeloop_contracts import outcomes
from numpy.typing import NDArray

from edgeloop_mixture.rule import Rule

Doubles = NDArray[np.float64]
Remembered = NDArray[Any]  # int64: numbers of classes; float32: distances of numbers from their centre, in deviations

FARTHEST = 1e4  # deviations: no expert says more than this
STEEPEST = 3.0  # deviations: what is farther off moves no more than this does
FENCE = 10.0  # deviations: memories keep no label as farther off what was expected
NEGLIGIBLE = 0.01  # share of all weight below which an expert is not asked: what it says may be anything
BINS = 10
LEAST = 1e-30  # deviations whose inverse is a float32


class Target(Protocol):
    """What the labels of a stream are."""

    @property
    def width(self) -> int:
        """Numbers that an expert says of a row."""
        ...

    def remembered(self, labels: Sequence[str]) -> Remembered:
        """Labels as memories keep them [N]."""
        ...

    def bins(self, remembered: Remembered) -> NDArray[np.int64]:
        """Groups of labels [N], by which is seen what features tell."""
        ...

    def truth(self, label: str) -> float:
        """A label as it is learned from: number of a class, or distance from the centre in deviations."""
        ...

    def kept(self, truth: float, sums: Doubles, /) -> Remembered:
        """What memories keep of a label [1], where the mixture makes ``sums`` [width] of its row."""
        ...

    def wrong(self, answer: str, label: str) -> bool:
        """Whether an answer counts as wrong."""
        ...

    def loss_of(self, answer: str, truth: float) -> float:
        """Loss of an answer, 0 to 1."""
        ...

    def loss(self, sums: Doubles, truth: float) -> float:
        """Loss of what a mixture makes of a row, [width]."""
        ...

    def begun(self, rule: Rule, experts: int) -> Doubles:
        """Weights [K + 1] of experts and bias of which nothing has been heard."""
        ...

    def balanced(self, weights: Doubles) -> Doubles:
        """Weights [K + 1], or without those of some experts, as a mixture may have them."""
        ...

    def weighed(
        self, rule: Rule, weights: Doubles, biases: tuple[Doubles, Doubles], said: Doubles, truth: float
    ) -> tuple[Doubles, Doubles]:
        """Weights and bias after a label.

        Parameters
        ----------
        biases
            The newest, and that of the adapter that answered.
        said
            What the experts said, [K, width].
        """
        ...

    def linear(self, rule: Rule, coefficients: Doubles, inputs: Doubles, truth: float) -> Doubles:
        """Coefficients [width, D] of the linear part after a label of a row [D]."""
        ...


@dataclass(frozen=True, slots=True)
class Classes:
    """One of some classes: experts say logarithms of probabilities, and learn from the log loss of the softmax of their sum."""

    names: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.names)

    def remembered(self, labels: Sequence[str]) -> Remembered:
        return np.array([self.names.index(label) for label in labels], np.int64)

    def bins(self, remembered: Remembered) -> NDArray[np.int64]:
        return remembered.astype(np.int64)

    def truth(self, label: str) -> float:
        return self.names.index(label)

    def kept(self, truth: float, _: Doubles, /) -> Remembered:
        return np.array([truth], np.int64)

    def wrong(self, answer: str, label: str) -> bool:
        return answer != label

    def loss_of(self, answer: str, truth: float) -> float:
        return float(answer != self.names[int(truth)])

    def loss(self, sums: Doubles, truth: float) -> float:
        return float(sums.argmax() != truth)

    def begun(self, rule: Rule, experts: int) -> Doubles:
        weights = np.full(experts + 1, rule.total * (1 - rule.first) / (experts - 1))
        weights[0], weights[-1] = rule.total * rule.first, 1.0
        return weights

    def balanced(self, weights: Doubles) -> Doubles:
        return weights

    def weighed(
        self, rule: Rule, weights: Doubles, biases: tuple[Doubles, Doubles], said: Doubles, truth: float
    ) -> tuple[Doubles, Doubles]:
        sums, (bias, then) = weights[:-1] @ said, biases
        answered, newest = _gradient(sums + weights[-1] * then, truth), _gradient(sums + bias, truth)
        experts = np.maximum(0.0, weights[:-1] - rule.weight_rate * (said @ answered))
        trust = min(1.0, max(0.0, weights[-1] - rule.trust_rate * float(then @ answered)))
        return np.append(experts, trust), rule.bias_decay * (bias - rule.bias_rate * newest)

    def linear(self, rule: Rule, coefficients: Doubles, inputs: Doubles, truth: float) -> Doubles:
        gradient = _gradient(coefficients @ inputs, truth)
        return coefficients - rule.linear_rate * gradient[:, None] * inputs


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number: experts say how far from the centre it is, and the mixture is their weighted mean.

    Weights follow the absolute error by exponentiated gradients with a fixed share (Herbster and Warmuth 1998): they add up to 1, so
    no answer lies outside what the experts say, and what was of no use for long is back soon. There is no bias: on ten streams one
    lost more than it gave. No label moves anything by more than one that is a few deviations off.

    Attributes
    ----------
    centre
        Median of the labels at the beginning.
    deviation
        Half their interquartile range.
    tolerance
        An answer that is no further from the label is right.
    """

    centre: float
    deviation: float
    tolerance: float

    @classmethod
    def learned(cls, labels: Sequence[str], tolerance: float) -> Self:
        """From labels at the beginning, all of them numbers; where they are all equal, the tolerance is the deviation."""
        centre, deviation = spread([float(label) for label in labels])
        return cls(centre, max(deviation or tolerance, LEAST), tolerance)

    @property
    def width(self) -> int:
        return 1

    def remembered(self, labels: Sequence[str]) -> Remembered:
        numbers = (np.array([float(label) for label in labels]) - self.centre) / self.deviation
        return np.clip(numbers, -FENCE, FENCE).astype(np.float32)

    def bins(self, remembered: Remembered) -> NDArray[np.int64]:
        edges = np.unique(np.quantile(remembered, np.linspace(0, 1, BINS + 1)[1:-1]))
        return np.searchsorted(edges, remembered, side="right")

    def truth(self, label: str) -> float:
        return (float(label) - self.centre) / self.deviation

    def kept(self, truth: float, sums: Doubles, /) -> Remembered:
        return np.clip([truth], sums - FENCE, sums + FENCE).astype(np.float32)

    def wrong(self, answer: str, label: str) -> bool:
        return not outcomes.right(answer, label, self.tolerance)

    def loss_of(self, answer: str, truth: float) -> float:
        number = outcomes.number(answer)
        return 1.0 if number is None else self.loss(np.array([(number - self.centre) / self.deviation]), truth)

    def loss(self, sums: Doubles, truth: float) -> float:
        return min(1.0, abs(float(sums[0]) - truth))

    def begun(self, rule: Rule, experts: int) -> Doubles:
        weights = np.full(experts + 1, (1 - rule.first) / (experts - 1))
        weights[0], weights[-1] = rule.first, 0.0
        return weights

    def balanced(self, weights: Doubles) -> Doubles:
        counted = np.where(weights < NEGLIGIBLE * weights.sum(), 0.0, weights)
        return counted / counted.sum() if counted.any() else np.append(1.0, np.zeros(len(weights) - 1))

    def weighed(
        self, rule: Rule, weights: Doubles, biases: tuple[Doubles, Doubles], said: Doubles, truth: float
    ) -> tuple[Doubles, Doubles]:
        shares, values = weights[:-1], said[:, 0]
        mixed = float(shares @ values)
        slopes = np.clip(np.sign(mixed - truth) * (values - mixed), -STEEPEST, STEEPEST)
        moved = shares * np.exp(-rule.hedge_rate * slopes)
        moved = (1 - rule.fixed_share) * moved / moved.sum() + rule.fixed_share / len(moved)
        return np.append(moved, 0.0), biases[0]

    def linear(self, rule: Rule, coefficients: Doubles, inputs: Doubles, truth: float) -> Doubles:
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
    """Of the log loss of softmax(sums), where class number ``truth`` is true."""
    gradient = np.exp(sums - sums.max())
    gradient /= gradient.sum()
    gradient[int(truth)] -= 1
    return gradient
