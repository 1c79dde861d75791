"""An anytime-valid comparison of two versions: it may be looked at after every window, and stopped at any.

The method, its assumptions and its sources are in :mod:`edgeloop_rollout.core.bets` and in ``docs/rollout.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeloop_rollout.core import bets

BETS = len(bets.SCALES)
_BISECTIONS = 40


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of one short time that either version answered, each row by one of them.

    Attributes
    ----------
    old_rows, old_events
        Rows that the old version answered, and those among them that count: errors, refusals, outliers.
    new_rows, new_events
        The same of the new version.
    """

    old_rows: int
    old_events: int
    new_rows: int
    new_events: int

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        _check("old version", self.old_rows, self.old_events)
        _check("new version", self.new_rows, self.new_events)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of one short time that both versions answered: the new one in the shadow of the old one.

    Attributes
    ----------
    rows
        All such rows.
    only_new, only_old
        Rows that count for the new version alone, and for the old one alone.
    """

    rows: int
    only_new: int
    only_old: int

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if min(self.only_new, self.only_old) < 0 or self.only_new + self.only_old > self.rows:
            raise ValueError(f"pairs: expected 0 ≤ only_new + only_old ≤ rows, given {self.only_new} + {self.only_old} of {self.rows}")


def _check(version: str, rows: int, events: int) -> None:
    if not 0 <= events <= rows:
        raise ValueError(f"window, {version}: expected 0 ≤ events ≤ rows, given {events} of {rows}")


@dataclass(frozen=True, slots=True)
class Design:
    """The two differences of rates that have to be told apart, new minus old; the bets are sized for them.

    Attributes
    ----------
    low, high
        Evidence *above* is sought against ``low`` or less, and evidence *below* against ``high`` or more.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty or impossible range."""
        if not -1 < self.low < self.high < 1:
            raise ValueError(f"design: expected -1 < low < high < 1, given {self.low} and {self.high}")

    @property
    def gains(self) -> NDArray[Any]:
        """Distances that are bet on, upwards and then downwards."""
        steps = bets.SCALES * (self.high - self.low)
        return np.concatenate([steps, -steps])

    @property
    def tested(self) -> NDArray[Any]:
        """Difference that each bet is sharpest against."""
        return np.repeat([self.low, self.high], BETS)


@dataclass(frozen=True, slots=True)
class Comparison:
    """State of a comparison: four counts, and two numbers for each of twelve bets.

    Attributes
    ----------
    old_rows, old_events, new_rows, new_events
        Counts so far. Of pairs, events are those of one version alone.
    growth, stake
        Sums over windows, for the bets upwards and then downwards.

    Examples
    --------
    >>> design, state = Design(low=0.0, high=0.05), Comparison()
    >>> for _ in range(20):
    ...     state = state.updated(Window(old_rows=190, old_events=19, new_rows=40, new_events=10), design)
    >>> state.difference, state.log_above(0.0) > math.log(1000), state.log_below(0.05) < 0
    (0.15, True, True)
    """

    old_rows: int = 0
    old_events: int = 0
    new_rows: int = 0
    new_events: int = 0
    growth: tuple[float, ...] = (0.0,) * (2 * BETS)
    stake: tuple[float, ...] = (0.0,) * (2 * BETS)

    def updated(self, window: Window | Pairs, design: Design) -> Comparison:
        """The state after one more window. A window in which either version has no rows compares nothing and is left out."""
        match window:
            case Window(old_rows=0) | Window(new_rows=0) | Pairs(rows=0):
                return self
            case Window():
                rate = bets.guess(np.array(self.old_rows), np.array(self.old_events))
                added = (window.old_rows, window.old_events, window.new_rows, window.new_events)
                old_rows, old_events, new_rows, new_events = map(np.array, added)
                counts = (old_rows, old_events, new_rows, new_events)
                growth, stake = bets.concurrent(rate, design.tested, design.gains, counts)
            case Pairs():
                discordance = bets.guess(np.array(self.new_rows), np.array(self.old_events + self.new_events))
                pairs = (np.array(window.rows), np.array(window.only_new), np.array(window.only_old))
                growth, stake = bets.paired(discordance, design.tested, design.gains, pairs)
                added = (window.rows, window.only_old, window.rows, window.only_new)
        return replace(
            self,
            old_rows=self.old_rows + added[0],
            old_events=self.old_events + added[1],
            new_rows=self.new_rows + added[2],
            new_events=self.new_events + added[3],
            growth=tuple((np.array(self.growth) + growth).tolist()),
            stake=tuple((np.array(self.stake) + stake).tolist()),
        )

    @property
    def difference(self) -> float | None:
        """Rate of the new version minus that of the old one over all rows; ``None`` before either has rows."""
        if not self.old_rows or not self.new_rows:
            return None
        return self.new_events / self.new_rows - self.old_events / self.old_rows

    def log_above(self, difference: float) -> float:
        """Logarithm of the evidence that the rates differ by more than ``difference``.

        If they do not, it ever reaches ``log(1 / alpha)`` with a probability of ``alpha`` at most (Ville's inequality).
        """
        return float(bets.mixture(np.array(self.growth[:BETS]), np.array(self.stake[:BETS]), difference))

    def log_below(self, difference: float) -> float:
        """Logarithm of the evidence that the rates differ by less than ``difference``."""
        return float(bets.mixture(np.array(self.growth[BETS:]), np.array(self.stake[BETS:]), difference))

    def interval(self, alpha: float) -> tuple[float, float]:
        """Two-sided confidence sequence: at no time, with probability ``1 - alpha``, does the difference lie outside.

        Where the difference changes with time, it is the mean over windows, weighted by their information.
        """
        limit = math.log(2 / alpha)
        lower = _edge(lambda difference: self.log_above(difference) < limit)
        upper = -_edge(lambda difference: self.log_below(-difference) < limit)
        return (lower, max(lower, upper))


def _edge(inside: Callable[[float], bool]) -> float:
    """The lower edge of an interval within -1 and 1."""
    outside, found = -1.0, 1.0
    if inside(outside):
        return outside
    for _ in range(_BISECTIONS):
        middle = (outside + found) / 2
        outside, found = (outside, middle) if inside(middle) else (middle, found)
    return outside
