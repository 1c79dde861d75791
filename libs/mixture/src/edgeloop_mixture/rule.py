"""Size and learning rates of mixtures, for all streams without a policy of their own."""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE = 4_096  # rows by which a label may be late for its row to be learned with the memories that answered it

_SHARES = (
    *("newcomer", "lead", "weight_rate", "bias_rate", "bias_decay", "linear_rate", "trust_rate", "memory_of_losses"),
    *("hedge_rate", "fixed_share"),
)


@dataclass(frozen=True, slots=True)
class Memory:
    """A sliding nearest-neighbour memory.

    Attributes
    ----------
    rows
        Newest labelled rows that it holds.
    neighbours
        Number of nearest rows that vote, each by the inverse of its distance.
    """

    rows: int
    neighbours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The defaults did best on four real streams with labels at once, 50 and 1,000 rows late.

    Attributes
    ----------
    members
        Largest number of versions in a mixture; the first version is always one of them.
    memories
        Memories as pairs of rows and neighbours, the shortest first. Empty for a mixture without memories.
    features
        Largest number of features that the linear part and the memories take.
    floor
        Share of the uniform distribution in an expert's answer.
    total
        Initial sum of the experts' weights.
    first
        Share of ``total`` of the first version. Experts without labels yet must not outvote it, above all where labels come late.
    newcomer
        Initial weight of a further version.
    weight_rate, bias_rate, bias_decay, linear_rate, trust_rate
        Step sizes of the gradient descent on the log loss, one step per label; ``trust_rate`` is that of the bias's weight. For numbers,
        only ``linear_rate`` is used.
    hedge_rate, fixed_share
        For numbers only: the rate at which the experts' weights follow their errors, and the share of all weight that each label
        distributes evenly.
    memory_of_losses
        Share of the newest label in the moving losses of the mixture and the first version.
    lead
        The first version answers alone once its loss is lower by this, see :mod:`edgeloop_mixture.comparison`.
    publish_every
        Largest number of labels between two published adapters.
    publish_least, publish_mistakes
        An adapter is published earlier, from ``publish_least`` labels on, once ``publish_mistakes`` answers to them were wrong.
    """

    members: int = 4
    memories: tuple[Memory, ...] = (Memory(1_000, 5), Memory(20_000, 3))
    features: int = 32
    floor: float = 0.05
    total: float = 1.2
    first: float = 0.75
    newcomer: float = 0.3
    weight_rate: float = 0.01
    bias_rate: float = 0.03
    bias_decay: float = 0.9995
    linear_rate: float = 0.01
    trust_rate: float = 0.03
    hedge_rate: float = 0.2
    fixed_share: float = 0.001
    memory_of_losses: float = 0.002
    lead: float = 0.01
    publish_every: int = 50
    publish_least: int = 10
    publish_mistakes: int = 4

    def __post_init__(self) -> None:
        sizes = [memory.rows for memory in self.memories]
        if sizes != sorted(sizes) or any(m.neighbours < 1 or m.rows < m.neighbours for m in self.memories):
            raise ValueError(f"memories must hold rising numbers of rows, at least their neighbours, given {self.memories}")
        if self.members < 2 or self.features < 1:
            raise ValueError(f"expected at least 2 members and 1 feature, given {self.members} and {self.features}")
        for name in ("publish_every", "publish_least", "publish_mistakes"):
            if not 1 <= getattr(self, name) <= PATIENCE:
                raise ValueError(f"{name}: expected 1 to {PATIENCE}, given {getattr(self, name)}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a number from 0 to 1, given {getattr(self, name)}")

    @property
    def horizon(self) -> int:
        """Rows that the longest memory holds."""
        return max((memory.rows for memory in self.memories), default=0)
