"""What a mixture is made of, and what it has learned."""

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
    """What a mixture is made of.

    Attributes
    ----------
    number
        Labelled rows of the stream when it began.
    members
        Oldest first.
    classes
        Names in the order of the probabilities; none for numbers.
    scaling
        How rows are seen by the linear part and the memories.
    numbers
        How labels are seen that are numbers; ``None`` for classes.
    """

    number: int
    members: tuple[AdapterMember, ...]
    classes: tuple[str, ...]
    scaling: Scaling
    numbers: Numbers | None = None

    @property
    def target(self) -> Target:
        """What labels are."""
        return self.numbers or Classes(self.classes)

    def experts(self, rule: Rule) -> int:
        """How many experts it has: members, the linear part, memories."""
        return len(self.members) + 1 + len(rule.memories)


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """What has been learned.

    Attributes
    ----------
    number
        Labelled rows of the stream that it has learned from.
    weights
        float64 [K + 1], of members, linear part and memories, and of the bias.
    bias
        float64 [C]; C is 1 for numbers.
    coefficients
        float32 [C, D + 1] of the linear part, the constant last.
    memory_end
        Rows that the memories have taken in.
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
        """What the mixture makes of what its experts say, [K, C]: of classes the largest [C] is the answer, of numbers the only one."""
        return self.weights[:-1] @ experts + self.weights[-1] * self.bias


def begun(number: int, frame: Frame, memory_end: int, rule: Rule) -> Adapter:
    """An adapter that has learned nothing: the first version has its share, all other experts count the same."""
    target = frame.target
    coefficients = np.zeros((target.width, len(frame.scaling.features) + 1), np.float32)
    return Adapter(number, target.begun(rule, frame.experts(rule)), np.zeros(target.width), coefficients, memory_end)


def joined(frame: Frame, adapter: Adapter, newcomer: AdapterMember, number: int, rule: Rule) -> tuple[Frame, Adapter]:
    """Take a version in; where there is no room, the member of the lowest weight goes, never the first one.

    A version that is the same file as a member, since it was archived and is back, takes that member's place and keeps its weight if it is
    the larger one. Learner and devices do the same, so that a version counts from the moment at which it is installed.
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
    wider, more = widened(frame, adapter, newcomer.classes, number)
    balanced = frame.target.balanced(np.array(weights))
    return replace(wider, number=number, members=tuple(members)), replace(more, weights=balanced)


def widened(frame: Frame, adapter: Adapter, classes: Sequence[str], number: int) -> tuple[Frame, Adapter]:
    """Append classes that were not known; where labels are numbers there are none."""
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
