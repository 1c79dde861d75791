"""Online models of a stream, and the messages by which the child process trains them."""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.families import Family

MOST_TREES = 10


@dataclass(frozen=True, slots=True)
class OnlineSpec:
    """Specification of an online model. Equal specifications that learn equal rows in the same order give equal models.

    Attributes
    ----------
    family
        Kind of model.
    trees
        Trees of a forest, at most ten, since each tree learns each row.
    seed
        Seed of every random choice.
    numbers
        Whether labels are numbers.
    """

    family: Family
    trees: int
    seed: int
    numbers: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters as events carry them."""
        return {"family": self.family.value, "trees": str(self.trees), "seed": str(self.seed)}


@dataclass(frozen=True, slots=True)
class OnlineGroup:
    """The online models of one stream, which learn the same rows.

    Attributes
    ----------
    stream
        ``tenant/stream``.
    width
        Features of a row.
    specs
        Specifications of the models, at least one.
    categories
        Number of categories of each feature, 0 for a number; empty if all features are numbers.
    """

    stream: str
    width: int
    specs: tuple[OnlineSpec, ...]
    categories: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class OnlineBatch:
    """The next rows of a group.

    Attributes
    ----------
    group
        The models to train.
    first
        Row number of the first row in the pooled order.
    last
        Row number of the last row. Rows between the two that are no longer stored are not in the batch.
    features
        float32 [N, F].
    labels
        Class or number of each row.
    begin
        Whether the group begins anew with this batch.
    """

    group: OnlineGroup
    first: int
    last: int
    features: Floats
    labels: tuple[str, ...]
    begin: bool = False


@dataclass(frozen=True, slots=True)
class OnlineProgress:
    """Progress of a group. A batch that does not continue it changes nothing.

    Attributes
    ----------
    row
        Row number of the newest row learned; 0 for none.
    """

    row: int


@dataclass(frozen=True, slots=True)
class GroupAtRow:
    """A group that must have learned all rows up to ``row``, and no later one."""

    group: OnlineGroup
    row: int


def next_batch(learned: int, oldest: int, target: int, size: int) -> tuple[int, int, bool]:
    """First and last row of the next batch on the way to a row, and whether the group begins anew.

    A group that has learned nothing, or rows beyond the target, begins with the oldest row that is still stored.

    >>> next_batch(0, 1, 700, 500), next_batch(500, 1, 700, 500), next_batch(900, 1, 700, 500)
    ((1, 500, True), (501, 700, False), (1, 500, True))
    """
    begin = learned == 0 or learned > target
    first = oldest if begin else learned + 1
    return first, min(target, first + size - 1), begin
