"""Frames and adapters of mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from edgeloop_contracts import AdapterMember
from numpy.typing import NDArray

from edgeloop_mixture.rule import Rule
from edgeloop_mixture.scaling import Scaling
from edgeloop_mixture.target import Classes, Doubles, Numbers, Target


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The composition of a mixture.

    Attributes
    ----------
    number
        Labelled rows of the stream at its start.
    members
        Oldest first.
    classes
        Names in the order of the probabilities; none for numbers.
    scaling
        Columns and scales of the linear part and the memories.
    numbers
        Scale of labels that are numbers; ``None`` for classes.
    """

    number: int
    members: tuple[AdapterMember, ...]
    classes: tuple[str, ...]
    scaling: Scaling
    numbers: Numbers | None = None

    @property
    def target(self) -> Target:
        """The kind of labels."""
        return self.numbers or Classes(self.classes)

    def experts(self, rule: Rule) -> int:
        """Number of experts: members, the linear part, memories."""
        return len(self.members) + 1 + len(rule.memories)


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """Adapter of a mixture at one labelled row.

    Attributes
    ----------
    number
        Row number of the newest row that it has learned from.
    weights
        float64 [K + 1]: of members, linear part, memories and bias.
    bias
        float64 [C]; C is 1 for numbers.
    coefficients
        float32 [C, D + 1] of the linear part, the constant last.
    memory_end
        Number of rows in the memories so far.
    alone
        Version that answers alone; 0 for the mixture.
    doubted
        Whether the mixture did worse than the first version over the newest labels.
    """

    number: int
    weights: Doubles
    bias: Doubles
    coefficients: NDArray[np.float32]
    memory_end: int
    alone: int = 0
    doubted: bool = False

    def sums(self, experts: Doubles) -> Doubles:
        """Weighted sum of the experts' outputs [K, C]: the largest of [C] is the answer for classes, the only one for numbers."""
        return self.weights[:-1] @ experts + self.weights[-1] * self.bias


def initial_adapter(number: int, frame: Frame, memory_end: int, rule: Rule) -> Adapter:
    """An adapter without history: the first version has its share, all other experts have equal weights."""
    target = frame.target
    coefficients = np.zeros((target.width, len(frame.scaling.features) + 1), np.float32)
    return Adapter(number, target.initial_weights(rule, frame.experts(rule)), np.zeros(target.width), coefficients, memory_end)


def with_member(frame: Frame, adapter: Adapter, newcomer: AdapterMember, number: int, rule: Rule) -> tuple[Frame, Adapter]:
    """Add a version; where there is no room, it replaces the member of the lowest weight, but never the first one.

    A version with the same file as a member (a recalled one) takes that member's place, and keeps its weight if that is larger.
    Learner and devices do the same, so a version counts from its installation on.
    """
    members, weights = list(frame.members), adapter.weights.tolist()
    weight = rule.newcomer
    same = next((i for i, member in enumerate(members) if i and member.file.digest == newcomer.file.digest), None)
    if same is not None:
        weight = max(weight, weights[same])
        del members[same], weights[same]
    elif len(members) >= rule.members:
        lowest = min(range(1, len(members)), key=lambda i: weights[i])
        del members[lowest], weights[lowest]
    weights.insert(len(members), weight)
    members.append(newcomer)
    wider, more = with_classes(frame, adapter, newcomer.classes, number)
    balanced = frame.target.normalized(np.array(weights))
    return replace(wider, number=number, members=tuple(members)), replace(more, weights=balanced)


def with_classes(frame: Frame, adapter: Adapter, classes: Sequence[str], number: int) -> tuple[Frame, Adapter]:
    """Append unknown classes; labels that are numbers have none."""
    if frame.numbers:
        return frame, adapter
    new = tuple(name for name in dict.fromkeys(classes) if name not in frame.classes)
    if not new:
        return frame, adapter
    more = np.zeros((len(new), adapter.coefficients.shape[1]), np.float32)
    wider = replace(
        adapter, bias=np.concatenate([adapter.bias, np.zeros(len(new))]), coefficients=np.concatenate([adapter.coefficients, more])
    )
    return replace(frame, number=number, classes=frame.classes + new), wider
