"""What online models are given to learn, and how far they have come: messages between the service and its child process."""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.core.families import Family

MOST_TREES = 10


@dataclass(frozen=True, slots=True)
class Learner:
    """An online model before its first row; equal ones that learn equal rows in the same order are equal models.

    Attributes
    ----------
    family
        Kind of model.
    trees
        Of a forest, at most ten: each of them learns from each row.
    seed
        Of every random choice.
    numbers
        Whether its labels are numbers.
    """

    family: Family
    trees: int
    seed: int
    numbers: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """As they go into events."""
        return {"family": self.family.value, "trees": str(self.trees), "seed": str(self.seed)}


@dataclass(frozen=True, slots=True)
class Course:
    """The online models of one stream, which learn the same rows.

    Attributes
    ----------
    stream
        ``tenant/stream``.
    width
        Features of a row.
    learners
        At least one.
    categories
        How many each feature has, 0 for a number; empty if all are numbers.
    """

    stream: str
    width: int
    learners: tuple[Learner, ...]
    categories: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """The next rows of a course.

    Attributes
    ----------
    course
        Whose.
    first
        Number of the first row in the pooled order; with ``begin`` the models are new.
    last
        Number of the last one; rows between the two that are no longer kept are not among these.
    features
        float32 [N, F].
    labels
        Class or number of each row.
    """

    course: Course
    first: int
    last: int
    features: Floats
    labels: tuple[str, ...]
    begin: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """How far the models of a course have come; a lesson that does not follow on that changes nothing.

    Attributes
    ----------
    row
        Number of the newest row that they have learned; 0 where there are none.
    """

    row: int


@dataclass(frozen=True, slots=True)
class Due:
    """A course at the row of a request.

    Attributes
    ----------
    course
        Whose.
    row
        Number of the newest row that its models have to have learned, and no later one.
    """

    course: Course
    row: int
