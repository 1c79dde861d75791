"""The gate: comparison of challenger and champion, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from edgeloop_contracts.outcomes import error

Outcome = tuple[float, float]
"""Result of a row, for challenger and champion: whether the class is right, or the absolute error of the number."""


def outcomes(answers: Iterable[str], others: Iterable[str], labels: Iterable[str], *, numbers: bool) -> list[Outcome]:
    """Outcomes of rows that challenger and champion answered.

    >>> outcomes(["a", "a"], ["a", "b"], ["a", "b"], numbers=False), outcomes(["1.0"], ["2.5"], ["2.0"], numbers=True)
    ([(True, True), (False, True)], [(1.0, 0.5)])
    """
    rows = zip(answers, others, labels, strict=True)
    if numbers:
        return [(error(one, label, numbers=True), error(other, label, numbers=True)) for one, other, label in rows]
    return [(one == label, other == label) for one, other, label in rows]


class Verdict(StrEnum):
    """End of a gate."""

    PROMOTE = "promote"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the rows judged so far.

    Attributes
    ----------
    wins, losses
        Rows that only the challenger, or only the champion, answered right.
    both
        Rows that both answered right.
    judged
        All rows.
    """

    wins: int = 0
    losses: int = 0
    both: int = 0
    judged: int = 0

    def add(self, outcome: Outcome) -> Tally:
        """The tally with one more row."""
        challenger, champion = map(bool, outcome)
        return replace(
            self,
            wins=self.wins + (challenger and not champion),
            losses=self.losses + (champion and not challenger),
            both=self.both + (challenger and champion),
            judged=self.judged + 1,
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Accuracy of both on the judged rows; empty before the first row."""
        if not self.judged:
            return {}
        return {
            "gate_accuracy": (self.wins + self.both) / self.judged,
            "gate_champion_accuracy": (self.losses + self.both) / self.judged,
        }


@dataclass(frozen=True, slots=True)
class NumberTally(Tally):
    """Counts and errors of the rows judged so far, for numbers: the smaller absolute error wins a row, a tie counts for none.

    Attributes
    ----------
    absolute, squared
        Sums of the challenger's absolute errors, and of their squares.
    champion_absolute, champion_squared
        Sums of the champion's.

    Examples
    --------
    >>> tally = NumberTally().add((1.0, 3.0)).add((2.0, 2.0))
    >>> tally.wins, tally.losses, tally.metrics["gate_mae"], tally.metrics["gate_champion_mae"]
    (1, 0, 1.5, 2.5)
    """

    absolute: float = 0.0
    squared: float = 0.0
    champion_absolute: float = 0.0
    champion_squared: float = 0.0

    def add(self, outcome: Outcome) -> NumberTally:
        """The tally with one more row."""
        challenger, champion = outcome
        return replace(
            self,
            wins=self.wins + (challenger < champion),
            losses=self.losses + (champion < challenger),
            judged=self.judged + 1,
            absolute=self.absolute + challenger,
            squared=self.squared + challenger * challenger,
            champion_absolute=self.champion_absolute + champion,
            champion_squared=self.champion_squared + champion * champion,
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Mean absolute and root mean squared error of both; empty before the first row, without errors that are not finite."""
        if not self.judged:
            return {}
        found = {
            "gate_mae": self.absolute / self.judged,
            "gate_rmse": math.sqrt(self.squared / self.judged),
            "gate_champion_mae": self.champion_absolute / self.judged,
            "gate_champion_rmse": math.sqrt(self.champion_squared / self.judged),
        }
        return {name: value for name, value in found.items() if math.isfinite(value)}


@dataclass(frozen=True, slots=True)
class Rule:
    """Rule of a gate.

    After each row: promote if wins + losses are at least ``minimum``, and wins - losses at least the square root of their sum, which is
    one standard deviation of a fair coin. At the last row: promote if wins are ahead at all, otherwise reject.

    Attributes
    ----------
    minimum
        Rows on which challenger and champion must differ for a promotion before the last row. With 1, the first such row would decide.

    Examples
    --------
    >>> Rule(minimum=8).verdict(Tally(wins=6, losses=2, judged=20), last=False)
    <Verdict.PROMOTE: 'promote'>
    >>> Rule(minimum=8).verdict(Tally(wins=5, losses=2, judged=20), last=False) is None
    True
    >>> Rule(minimum=8).verdict(Tally(wins=2, losses=2, judged=20), last=True)
    <Verdict.REJECT: 'reject'>
    """

    minimum: int = 4

    def __post_init__(self) -> None:
        if self.minimum < 1:
            raise ValueError(f"minimum: expected 1 or more, given {self.minimum}")

    def verdict(self, tally: Tally, *, last: bool) -> Verdict | None:
        """Verdict on a tally; ``None`` while the gate is open."""
        lead, differing = tally.wins - tally.losses, tally.wins + tally.losses
        if lead > 0 and (last or (differing >= self.minimum and lead * lead >= differing)):
            return Verdict.PROMOTE
        return Verdict.REJECT if last else None

    def constant_verdict(self, tally: Tally, *, has_champion: bool) -> Verdict:
        """Verdict on a challenger that was compared with the majority class.

        The first version of a stream is always promoted; its run has the tally. Without a version no device answers, and if labels come
        in long series, the newest rows may all be of the majority class.
        """
        return Verdict.PROMOTE if not has_champion or tally.wins > tally.losses else Verdict.REJECT


@dataclass(frozen=True, slots=True)
class Judgement:
    """State of a gate after some rows.

    Attributes
    ----------
    tally
        Counts so far.
    next_row
        Number of the row to be judged next.
    verdict
        ``None`` while the gate is open.
    """

    tally: Tally
    next_row: int
    verdict: Verdict | None = None


def judge(rule: Rule, start: Judgement, outcomes: Iterable[Outcome], until: int) -> Judgement:
    """Judge rows one by one up to the row that decides, so the grouping into batches does not matter.

    Parameters
    ----------
    start
        State of the gate before these rows.
    outcomes
        Outcomes of row ``start.next_row`` and later ones.
    until
        Last row of the gate.
    """
    tally, row, verdict = start.tally, start.next_row, start.verdict
    if verdict is None and row > until:
        verdict = rule.verdict(tally, last=True)
    for outcome in outcomes:
        if verdict is not None:
            break
        tally = tally.add(outcome)
        verdict = rule.verdict(tally, last=row >= until)
        row += 1
    return Judgement(tally, row, verdict)
