"""What a fit is asked and what it answers: the messages between the service and its child process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from edgeloop_trainer.core.dataset import Flags, Floats, Truth
from edgeloop_trainer.core.families import ONLINE, ONLINE_REGRESSORS, Family
from edgeloop_trainer.core.gate import Tally
from edgeloop_trainer.core.lessons import MOST_TREES, Course, Due, Learner
from edgeloop_trainer.core.recall import ARCHIVED, Rival

# What settings and policies may give, from and to.
RANGES = {"trees": (1, 1_000), "min_leaf": (1, 1 << 31), "search_trials": (1, 1_000), "archive": (0, 100)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fit.

    Attributes
    ----------
    family
        Family of the model.
    trees
        Trees of a forest, or rounds of boosting.
    min_leaf
        Least number of rows in a leaf of a forest.
    seed
        Seed of every random choice, the same for all streams: a stream's name must not change its model.
    search_seconds
        Wall time of a search of hyper-parameters before the fit; 0 for none. If time ends a search, two fits of the same rows may differ.
    search_trials
        Largest number of steps of a search. If this ends a search, equal rows give equal models.
    archive
        Archived versions that a fit has to beat, see :mod:`edgeloop_trainer.core.recall`; 0 for none.
    challengers
        Online families that a fit has to beat.
    """

    family: Family = Family.EXTRA_TREES
    trees: int = 25
    min_leaf: int = 2
    seed: int = 0
    search_seconds: float = 0.0
    search_trials: int = 30
    archive: int = ARCHIVED
    challengers: tuple[Family, ...] = ()

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: expected {least} to {most}, given {getattr(self, name)}")
        if fitted := [family for family in self.challengers if family not in ONLINE]:
            raise ValueError(f"challengers: {fitted[0]} does not learn online; what does is {', '.join(sorted(ONLINE))}")

    @property
    def parameters(self) -> dict[str, str]:
        """As they go into events."""
        return {"family": self.family.value, "trees": str(self.trees), "min_leaf": str(self.min_leaf), "seed": str(self.seed)}

    @property
    def learners(self) -> tuple[Learner, ...]:
        """Online models that take part, the recipe's own family first."""
        families = [family for family in dict.fromkeys((self.family, *self.challengers)) if family in ONLINE]
        return tuple(Learner(family, min(self.trees, MOST_TREES), self.seed) for family in families)

    def course(self, stream: str, width: int, *, numbers: bool, categories: tuple[int, ...] = ()) -> Course | None:
        """The online models for a stream; ``None`` for none. One of classes only has no part where labels are numbers."""
        learners = self.learners
        if numbers:
            learners = tuple(replace(learner, numbers=True) for learner in learners if learner.family in ONLINE_REGRESSORS)
        return Course(stream, width, learners, categories) if learners else None


@dataclass(frozen=True, slots=True)
class Trial:
    """One step of a search.

    Attributes
    ----------
    parameters
        Tried, with those that all trials have in common.
    metrics
        ``accuracy``, or ``mae`` and ``rmse``, on ``rows`` held out; empty if the fit failed.
    seconds
        Wall time.
    reason
        Why the fit failed.
    """

    parameters: dict[str, str]
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FitJob:
    """One fit.

    Attributes
    ----------
    dataset_digest
        Of the rows.
    features, labels, classes
        As in a dataset.
    held
        Rows to judge on, bool [N], if the challenger is to be judged against the majority class, or the median, of the others.
    recipe
        How to fit.
    tried
        Rows to judge trials on, bool [N], none of them held; only a search needs them.
    rival
        An archived version that takes the fit's place if it is ahead of a fit of the older rows.
    compared
        Rows on which such contenders are compared, bool [N]: the newest.
    due
        Online models that contend too; where the recipe's family is one of them, it is the challenger.
    categories
        How many each feature has, 0 for a number; empty if all are numbers.
    """

    dataset_digest: str
    features: Floats
    labels: Truth
    classes: tuple[str, ...]
    held: Flags | None
    recipe: Recipe
    tried: Flags | None = None
    rival: Rival | None = None
    compared: Flags | None = None
    due: Due | None = None
    categories: tuple[int, ...] = ()

    @property
    def numbers(self) -> bool:
        """Whether labels are numbers."""
        return not self.classes

    @property
    def key(self) -> str:
        """Equal for jobs with equal results."""
        held = b"" if self.held is None else self.held.tobytes()
        rival = "" if self.rival is None else f"{self.rival.digest}/{hashlib.sha256(self.rival.scores.tobytes()).hexdigest()}"
        return (
            f"{self.dataset_digest}/{self.recipe}/{hashlib.sha256(held).hexdigest() if held else ''}/{rival}/{self.due}/{self.categories}"
        )


@dataclass(frozen=True, slots=True)
class Lessons:
    """Rows that a model has learned from: how many, their digest, and their classes."""

    rows: int
    digest: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A challenger.

    Attributes
    ----------
    onnx
        The file; empty where an archived version takes the fit's place.
    digest
        Its SHA-256, hex.
    metrics, parameters
        Of the fit.
    seconds
        Wall time.
    tally
        How it did on the rows held out, where there were any.
    trials
        Of the search before it.
    recalls
        The archived version that is the challenger; 0 for the fit.
    lessons
        Where the challenger is an online model: the rows that it has learned from.
    """

    onnx: bytes
    digest: str
    metrics: dict[str, float]
    parameters: dict[str, str]
    seconds: float
    tally: Tally | None = None
    trials: tuple[Trial, ...] = ()
    recalls: int = 0
    lessons: Lessons | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no challenger.

    Attributes
    ----------
    reason
        Why, for people.
    metrics, parameters, seconds, trials
        As far as it came.
    behind
        Whether online models had not learned what they should have, since their process began anew.
    """

    reason: str
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.0
    trials: tuple[Trial, ...] = ()
    behind: bool = False
