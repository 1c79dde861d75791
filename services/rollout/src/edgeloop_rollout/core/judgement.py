"""The judgement of a version from all monitored metrics: go on watching, turn back, or advance.

A rule says how much of the allowed error each test gets. Turning back a version that is as good has to be rare over *all* tests together, so
``alpha`` is split: without groups, evenly over the tests of the whole fleet; with groups, one half of it evenly over those, the other half
evenly over the tests of groups. Advancing needs *every* needed metric within its margin, so each such test gets all of ``alpha_advance``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from edgeloop_rollout.core.sequential_test import Comparison, Design, Pairs, Window


class Kind(StrEnum):
    """Sort of a monitored share of rows or requests."""

    ERROR = "error"
    """Labelled rows with a wrong answer."""
    FAILED = "failed"
    """Requests that failed."""
    REFUSED = "refused"
    """Requests that the device refused."""
    OUTLIER = "outlier"
    """Rows that the device held to be outliers."""
    SLOW = "slow"
    """Requests slower than the old version's 99th percentile, taken before the rollout."""
    ANSWER = "answer"
    """Answers of one class, or within one bucket of numbers."""


class Direction(StrEnum):
    """Change of a share that does harm."""

    UP = "up"
    DOWN = "down"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Metric:
    """A share that is compared between two versions.

    Attributes
    ----------
    name
        Unique within a policy.
    direction
        Change that does harm.
    margin
        Harm, as a difference of shares, that has to be ruled out before the rollout goes on.
    tolerated
        Harm up to this does not turn a rollout back.
    needed
        Whether the rollout goes on only once the margin is shown to hold. Otherwise the metric can but turn it back.
    """

    name: str
    kind: Kind = Kind.ERROR
    direction: Direction = Direction.UP
    margin: float = 0.05
    tolerated: float = 0.0
    needed: bool = True

    def __post_init__(self) -> None:
        """Refuse a margin that leaves nothing to tell apart."""
        if not 0 <= self.tolerated < self.margin < 1:
            raise ValueError(f"metric {self.name}: expected 0 ≤ tolerated < margin < 1, given {self.tolerated} and {self.margin}")

    @property
    def sides(self) -> tuple[Direction, ...]:
        """Directions that are tested, each by a test of its own."""
        return (Direction.UP, Direction.DOWN) if self.direction is Direction.EITHER else (self.direction,)


def answer_metrics(classes: Iterable[str], margin: float = 0.1) -> tuple[Metric, ...]:
    """Metrics of the distribution of answers, one a class or bucket: a union bound over their shares, which needs no labels."""
    return tuple(Metric(f"answer {name}", Kind.ANSWER, Direction.EITHER, margin, needed=False) for name in classes)


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: a metric, a group of devices (``None``: the whole fleet) and a side."""

    __test__ = False  # not one of pytest's

    metric: Metric
    group: str | None
    side: Direction

    @property
    def key(self) -> tuple[str, str | None, Direction]:
        """Name of the test, under which its comparison is kept."""
        return (self.metric.name, self.group, self.side)

    @property
    def design(self) -> Design:
        """The differences that have to be told apart."""
        if self.side is Direction.UP:
            return Design(self.metric.tolerated, self.metric.margin)
        return Design(-self.metric.margin, -self.metric.tolerated)

    def log_harm(self, comparison: Comparison) -> float:
        """Logarithm of the evidence that the harm is more than tolerated."""
        up = self.side is Direction.UP
        return comparison.log_above(self.metric.tolerated) if up else comparison.log_below(-self.metric.tolerated)

    def log_within(self, comparison: Comparison) -> float:
        """Logarithm of the evidence that the harm is less than the margin."""
        return comparison.log_below(self.metric.margin) if self.side is Direction.UP else comparison.log_above(-self.metric.margin)


@dataclass(frozen=True, slots=True)
class Criteria:
    """Rule of a judgement.

    Attributes
    ----------
    metrics
        Shares that are compared.
    groups
        Groups of devices that are judged by themselves, too; they can turn a rollout back, and are not needed for an advance.
    alpha
        Largest probability that a version which does no harm is turned back, over all tests and for all time.
    alpha_advance
        Largest probability that a version which does harm of a margin or more advances.
    """

    metrics: tuple[Metric, ...]
    groups: tuple[str, ...] = ()
    alpha: float = 0.01
    alpha_advance: float = 0.01

    def __post_init__(self) -> None:
        """Refuse double names and impossible levels."""
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names) or len(set(self.groups)) < len(self.groups):
            raise ValueError(f"criteria: expected unique names of metrics and groups, given {names} and {list(self.groups)}")
        if not (0 < self.alpha < 1 and 0 < self.alpha_advance < 1):
            raise ValueError(f"criteria: expected levels between 0 and 1, given {self.alpha} and {self.alpha_advance}")

    def tests(self) -> Iterator[Test]:
        """All comparisons, the whole fleet's first."""
        for group in (None, *self.groups):
            for metric in self.metrics:
                for side in metric.sides:
                    yield Test(metric, group, side)

    def level(self, test: Test) -> float:
        """Share of ``alpha`` that a test gets."""
        sides = sum(len(metric.sides) for metric in self.metrics)
        if not self.groups:
            return self.alpha / sides
        return self.alpha / 2 / (sides if test.group is None else sides * len(self.groups))


Key = tuple[str, str | None, Direction]
Comparisons = tuple[tuple[Key, Comparison], ...]
"""State of a judgement: the comparison of each test that has seen rows."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of one metric in one window; rows are told apart by the version that really answered.

    Attributes
    ----------
    metric
        Name of the metric.
    counts
        Of rows of devices in ``group``, or in one stratum of it. Each also counts for the whole fleet, as a window by itself: devices that
        differ are then never mixed up with versions that differ. A row must come once, not by group and without.
    """

    metric: str
    counts: Window | Pairs
    group: str | None = None


def with_counts(criteria: Criteria, comparisons: Comparisons, counted: Iterable[Counted]) -> Comparisons:
    """The comparisons after more windows. Metrics and groups that the criteria do not name are left out."""
    state = dict(comparisons)
    tests = list(criteria.tests())
    for one in counted:
        for test in tests:
            if test.metric.name == one.metric and test.group in (None, one.group):
                state[test.key] = state.get(test.key, Comparison()).updated(one.counts, test.design)
    return tuple(state.items())


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence of one test.

    Attributes
    ----------
    metric, kind, group, side
        The test.
    log_evidence, alpha
        Logarithm of the e-value, and the level that it was held against.
    difference, lower, upper
        Rate of the new version minus that of the old, with a confidence sequence at ``alpha``.
    old_rows, new_rows
        Rows compared.
    """

    metric: str
    kind: Kind
    group: str | None
    side: Direction
    log_evidence: float
    alpha: float
    difference: float
    lower: float
    upper: float
    old_rows: int
    new_rows: int

    def __str__(self) -> str:
        """One sentence for people."""
        where = f"in group {self.group}" if self.group is not None else "over the fleet"
        points = f"{100 * self.difference:+.1f} points ({100 * self.lower:+.1f} to {100 * self.upper:+.1f})"
        odds = f"an e-value of {math.exp(min(self.log_evidence, 700)):.3g} at level {self.alpha:.2g}"
        return f"{self.metric} {where}: {points} on {self.new_rows} new and {self.old_rows} old rows, {odds}"


@dataclass(frozen=True, slots=True)
class Continue:
    """Neither is shown yet."""


@dataclass(frozen=True, slots=True)
class TurnBack:
    """The version does harm; ``evidence`` has each test that shows it, the strongest first."""

    evidence: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Advance:
    """Every needed metric is within its margin; ``evidence`` has a finding for each of their tests."""

    evidence: tuple[Finding, ...] = field(default=())


Judgement = Continue | TurnBack | Advance


def judge(criteria: Criteria, comparisons: Comparisons) -> Judgement:
    """Judge what is known. It may be called at any time, as often as wanted.

    Harm goes before an advance: a slice that gets worse turns a rollout back while the mean gets better.
    """
    state = dict(comparisons)
    harmful: list[Finding] = []
    within: list[Finding] = []
    open_tests = 0
    for test in criteria.tests():
        comparison = state.get(test.key, Comparison())
        level = criteria.level(test)
        if (harm := test.log_harm(comparison)) >= -math.log(level):
            harmful.append(_finding(test, comparison, harm, level))
        if test.group is None and test.metric.needed:
            if (evidence := test.log_within(comparison)) >= -math.log(criteria.alpha_advance):
                within.append(_finding(test, comparison, evidence, criteria.alpha_advance))
            else:
                open_tests += 1
    if harmful:
        return TurnBack(tuple(sorted(harmful, key=lambda one: -one.log_evidence)))
    return Continue() if open_tests else Advance(tuple(within))


def _finding(test: Test, comparison: Comparison, log_evidence: float, level: float) -> Finding:
    lower, upper = comparison.interval(level)
    return Finding(
        metric=test.metric.name,
        kind=test.metric.kind,
        group=test.group,
        side=test.side,
        log_evidence=log_evidence,
        alpha=level,
        difference=comparison.difference or 0.0,
        lower=lower,
        upper=upper,
        old_rows=comparison.old_rows,
        new_rows=comparison.new_rows,
    )
