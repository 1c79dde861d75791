"""The gate: when a challenger is promoted, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

Outcome = tuple[bool, bool]
"""Whether the challenger and whether the champion had a row right."""


class Verdict(StrEnum):
    """How a gate ends."""

    PROMOTE = "promote"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Tally:
    """What has been judged so far.

    Attributes
    ----------
    wins, losses
        Rows that only the challenger, or only the champion, had right.
    both
        Rows that both had right.
    judged
        All rows.
    """

    wins: int = 0
    losses: int = 0
    both: int = 0
    judged: int = 0

    def add(self, outcome: Outcome) -> Tally:
        """The tally with one more row."""
        challenger, champion = outcome
        return replace(
            self,
            wins=self.wins + (challenger and not champion),
            losses=self.losses + (champion and not challenger),
            both=self.both + (challenger and champion),
            judged=self.judged + 1,
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Accuracy of the two on the judged rows; nothing where none was judged."""
        if not self.judged:
            return {}
        return {
            "gate_accuracy": (self.wins + self.both) / self.judged,
            "gate_champion_accuracy": (self.losses + self.both) / self.judged,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """When to decide.

    After every row: promote if wins and losses together are at least ``minimum`` and wins are ahead of losses by at least
    the square root of their sum (one standard deviation of a fair coin). At the last row: promote if ahead at all.

    Attributes
    ----------
    minimum
        Rows on which the two differ that a promotion before the last row needs. With 1, the first such row would decide.

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

    def verdict(self, tally: Tally, *, last: bool) -> Verdict | None:
        """What the tally says; ``None`` while it is open."""
        lead, differing = tally.wins - tally.losses, tally.wins + tally.losses
        if lead > 0 and (last or (differing >= self.minimum and lead * lead >= differing)):
            return Verdict.PROMOTE
        return Verdict.REJECT if last else None

    def beside_majority(self, tally: Tally, *, has_champion: bool) -> Verdict:
        """What is done with a challenger that was judged beside the majority class.

        A stream's first version is taken whatever the tally says, which stays in the run: without a version no device answers
        at all, and where labels come in runs the newest rows may well be all of the commonest class.
        """
        return Verdict.PROMOTE if not has_champion or tally.wins > tally.losses else Verdict.REJECT


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where a gate stands after some rows.

    Attributes
    ----------
    tally
        What was judged.
    next_row
        Number of the row to be judged next.
    verdict
        ``None`` while it is open.
    """

    tally: Tally
    next_row: int
    verdict: Verdict | None = None


def judge(rule: Rule, start: Judgement, outcomes: Iterable[Outcome], until: int) -> Judgement:
    """Judge rows one by one up to the row that decides, so that it does not matter how they came in batches.

    Parameters
    ----------
    start
        Where the gate stood.
    outcomes
        Of row ``start.next_row``, and those that follow it.
    until
        The last row; the gate decides there.
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
