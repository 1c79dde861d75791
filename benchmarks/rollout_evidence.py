"""Simulated rollouts: how often the evidence turns a version back, how far that version gets, and how many rows it takes.

10,000 rollouts of each case go through phases of 5 %, 25 % and 100 % of a fleet. A window has 200 rows; each falls to the new version with the
share of the phase. After every window the service's own test (``edgeloop_rollout.core``) is asked, at levels of 0.01 for turning back and for
advancing; the margin is 5 points, and a phase needs 100 rows of the new version. Cases differ in the old version's error rate, which may swing
by half of itself every 40 windows, and in what the new version adds to it.

Peers see the same windows in the first phase. The z-test for two proportions has the rows that give it levels of 0.01 at 5 points. A rule on
measurements is that of an analysis in Argo Rollouts: more than three measurements (``failureLimit: 3``) over a bound turn back. A rule on all
rows is that of an abort criterion of AWS IoT jobs: a share over a bound, once 100 rows are there. Both bounds are the true old rate, plus half of
the margin.

In the shadow, the new version answers the same rows as the old one; they differ in being right on 7 % of them. Unlike devices are told in
:mod:`benchmarks.unlike_devices`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from edgeloop_rollout.core import bets
from edgeloop_rollout.core.sequential_test import BETS, Design
from numpy.typing import NDArray

from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import Sample
from benchmarks.unlike_devices import turned_back

ROLLOUTS, QUICK_ROLLOUTS = 10_000, 200
SHARES, LEAST_ROWS, WINDOW, LONGEST = (0.05, 0.25), 100, 200, 2_000
MARGIN, ALPHA, SWING = 0.05, 0.01, 40
TURNED_BACK, LATE = "turned back, % of rollouts", "turned back after the first phase, % of rollouts"
EVERYBODY, ROWS, ALL_ROWS = (
    "reached everybody, % of rollouts",
    "rows of the new version to a decision",
    "rows of the new version before it reached everybody",
)
OURS, SHADOW, DISCORDANCE = "edgeloop", "edgeloop, in the shadow", 0.07
UNLIKE = {0.0: "as good", MARGIN: "5 worse"}
Numbers = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A pair of versions: the old one's error rate, the change by the new one, a swing of both, and levels for turning back and advancing."""

    rate: float
    change: float
    swing: float = 0.0
    alpha: float = ALPHA

    @property
    def name(self) -> str:
        """Column of a table."""
        level = f"{100 * self.rate:.0f} %" + (" swinging" if self.swing else "") + (", one of 20 tests" if self.alpha < ALPHA else "")
        return f"{level}: {'as good' if not self.change else f'{abs(100 * self.change):.0f} worse' if self.change > 0 else f'{abs(100 * self.change):.0f} better'}"

    def old_rate(self, window: int) -> float:
        """Error rate of the old version in a window."""
        return self.rate * (1 + self.swing * math.sin(2 * math.pi * window / SWING))


CHANGES = (0.0, MARGIN, -MARGIN)
CASES = (
    *(Case(rate, change) for rate in (0.1, 0.3) for change in CHANGES),
    *(Case(0.1, change, swing=0.5) for change in CHANGES[:2]),
    *(Case(0.1, change, alpha=ALPHA / 20) for change in CHANGES),
)


def run(*, quick: bool) -> list[Figure]:
    """Shares of rollouts and means of rows for each case, of ours and of peers."""
    rollouts = QUICK_ROLLOUTS if quick else ROLLOUTS
    figures: list[Figure] = []
    for case in CASES:
        found = simulated(case, rollouts)
        figures += _ours(case, found)
        if case.alpha == ALPHA:
            others = peers(case, rollouts) | ({SHADOW: shadowed(case, rollouts)} if case.rate == CASES[0].rate and not case.swing else {})
            for name, (share, rows) in others.items():
                figures += [_figure(TURNED_BACK, name, case, 100 * share), _figure(ROWS, name, case, rows)]
    tables = (TURNED_BACK, LATE, EVERYBODY, ROWS, ALL_ROWS)
    return [*sorted(figures, key=lambda one: tables.index(one.name.split("/")[1])), *unlike(rollouts)]


def unlike(rollouts: int) -> list[Figure]:
    """Figures of fleets whose devices differ."""
    figures: list[Figure] = []
    for change, name in UNLIKE.items():
        for known in (0, 200, 500, 2_000):
            for spread in (0.0, 0.01, 0.03, 0.05):
                share = turned_back(spread, known, rollouts, rate=0.1, margin=MARGIN, alpha=ALPHA, change=change)
                line = f"5 strata by {known:,} rows of each device" if known else "no strata"
                what = f"rate of 10 %, {name}: turned back, % of rollouts"
                figures.append(_figure(what, line, f"devices ± {100 * spread:.0f} points", 100 * share))
    return figures


@dataclass(frozen=True, slots=True)
class Simulated:
    """Ends of simulated rollouts, one entry each.

    Attributes
    ----------
    phase
        Phase at the end; ``len(SHARES)`` for everybody.
    turned_back
        True for those that were turned back.
    first_rows, rows
        Rows of the new version until the first phase was decided, and until the end.
    """

    phase: Numbers
    turned_back: Numbers
    first_rows: Numbers
    rows: Numbers


def simulated(case: Case, rollouts: int, seed: int = 1) -> Simulated:
    """Simulate rollouts, all of them window by window."""
    rng = np.random.default_rng(seed)
    design, shares = Design(0.0, MARGIN), np.array([*SHARES, 0.0])
    phase, in_phase, rows, first = (np.zeros(rollouts, dtype=np.int64) for _ in range(4))
    turned = np.zeros(rollouts, dtype=bool)
    growth, stake = np.zeros((rollouts, 2 * BETS)), np.zeros((rollouts, 2 * BETS))
    old_rows, old_events = np.zeros(rollouts), np.zeros(rollouts)
    going = np.arange(rollouts)
    for window in range(LONGEST):
        new = rng.binomial(WINDOW, shares[phase[going]]).astype(float)
        going, new = going[new > 0], new[new > 0]
        rate, old = case.old_rate(window), WINDOW - new
        wrong = rng.binomial(old.astype(int), rate)
        new_wrong = rng.binomial(new.astype(int), rate + case.change)
        guess = bets.guess(old_rows[going], old_events[going])[:, None]
        counts = (old[:, None], wrong[:, None], new[:, None], new_wrong[:, None])
        more, staked = bets.concurrent(guess, design.tested, design.gains, counts)
        growth[going] += more
        stake[going] += staked
        old_rows[going] += old
        old_events[going] += wrong
        in_phase[going] += new.astype(int)
        rows[going] += new.astype(int)
        first[going] += np.where(phase[going] == 0, new.astype(int), 0)
        harm = bets.mixture(growth[going, :BETS], stake[going, :BETS], design.low) >= -math.log(case.alpha)
        within = bets.mixture(growth[going, BETS:], stake[going, BETS:], design.high) >= -math.log(ALPHA)
        turned[going[harm]] = True
        onward = going[~harm & within & (in_phase[going] >= LEAST_ROWS)]
        phase[onward] += 1
        in_phase[onward] = 0
        going = np.flatnonzero(~turned & (phase < len(SHARES)))
        if not len(going):
            break
    return Simulated(phase, turned, first, rows)


def horizon(case: Case) -> int:
    """Rows of the new version for a z-test of levels of 0.01 at 5 points, with 19 times as many rows of the old one."""
    worse = case.rate + MARGIN
    spread = worse * (1 - worse) + case.rate * (1 - case.rate) * SHARES[0] / (1 - SHARES[0])
    return math.ceil(spread * (2 * NormalDist().inv_cdf(1 - ALPHA) / MARGIN) ** 2)


def peers(case: Case, rollouts: int, seed: int = 2) -> dict[str, tuple[float, float]]:
    """Share turned back, and mean rows to a decision, of each other rule in the first phase."""
    rng = np.random.default_rng(seed)
    new_rows = round(WINDOW * SHARES[0])
    windows = math.ceil(horizon(case) / new_rows)
    rates = np.array([case.old_rate(window) for window in range(windows)])
    wrong = rng.binomial(new_rows, rates + case.change, size=(rollouts, windows))
    old_wrong = rng.binomial(WINDOW - new_rows, rates, size=(rollouts, windows))
    rows = new_rows * np.arange(1, windows + 1)
    share, old_share = wrong.cumsum(1) / rows, old_wrong.cumsum(1) / (rows * (WINDOW / new_rows - 1))
    pooled = SHARES[0] * share + (1 - SHARES[0]) * old_share
    z = (share - old_share) / np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) / rows / (1 - SHARES[0]))
    above, bound = z > NormalDist().inv_cdf(1 - ALPHA), case.rate + MARGIN / 2
    found = {
        "z-test, looked at once": (float(above[:, -1].mean()), float(rows[-1])),
        "z-test, looked at after each window": _first(above & (rows >= LEAST_ROWS), rows),
        "bound on all rows (as AWS IoT jobs)": _first((share > bound) & (rows >= LEAST_ROWS), rows),
    }
    for measured in (50, 200):
        each = measured // new_rows
        whole = windows // each
        measurements = wrong[:, : whole * each].reshape(rollouts, whole, each).sum(2) / measured
        failed = (measurements > bound).cumsum(1) > 3
        found[f"bound on measurements of {measured} rows (as Argo Rollouts)"] = _first(failed, measured * np.arange(1, whole + 1))
    return found


def shadowed(case: Case, rollouts: int, seed: int = 4) -> tuple[float, float]:
    """Share turned back, and mean rows to a decision, where the new version answers the rows of 5 % of the devices beside the old one."""
    rng = np.random.default_rng(seed)
    rows = round(WINDOW * SHARES[0])
    either = (DISCORDANCE + np.array([1, -1]) * case.change) / 2
    design, limit = Design(0.0, MARGIN), -math.log(ALPHA)
    growth, stake = np.zeros((rollouts, 2 * BETS)), np.zeros((rollouts, 2 * BETS))
    differing, ended = np.zeros(rollouts), np.zeros(rollouts)
    turned, going = np.zeros(rollouts, dtype=bool), np.arange(rollouts)
    for window in range(LONGEST):
        found = rng.multinomial(rows, [*either, 1 - DISCORDANCE], size=len(going))
        guess = bets.guess(np.array(window * rows), differing[going])[:, None]
        more, staked = bets.paired(guess, design.tested, design.gains, (np.array(rows), found[:, :1], found[:, 1:2]))
        growth[going] += more
        stake[going] += staked
        differing[going] += found[:, :2].sum(axis=1)
        ended[going] += rows
        harm = bets.mixture(growth[going, :BETS], stake[going, :BETS], design.low) >= limit
        within = bets.mixture(growth[going, BETS:], stake[going, BETS:], design.high) >= limit
        turned[going[harm]] = True
        going = going[~harm & ~(within & (ended[going] >= LEAST_ROWS))]
        if not len(going):
            break
    return float(turned.mean()), float(ended.mean())


def _first(stops: Numbers, rows: Numbers) -> tuple[float, float]:
    """Share of rollouts that stop at any time, and mean rows until then or until the last one."""
    stopped = stops.any(axis=1)
    return float(stopped.mean()), float(np.where(stopped, rows[stops.argmax(axis=1)], rows[-1]).mean())


def _ours(case: Case, found: Simulated) -> list[Figure]:
    aims: dict[str, Any] = {"aim": 1.0, "lower_is_better": True} if not case.change else {"aim": 99.0} if case.change > 0 else {}
    figures = [
        _figure(TURNED_BACK, OURS, case, 100 * found.turned_back.mean(), **aims),
        _figure(ROWS, OURS, case, float(found.first_rows.mean())),
    ]
    if case.change > 0:
        late = 100 * float((found.phase > 0).mean())
        return [*figures, _figure(LATE, OURS, case, late, aim=5.0, lower_is_better=True)]
    everybody = found.phase == len(SHARES)
    figures.append(_figure(EVERYBODY, OURS, case, 100 * float(everybody.mean())))
    return [*figures, _figure(ALL_ROWS, OURS, case, float(found.rows[everybody].mean()))] if everybody.any() else figures


def _figure(what: str, line: str, case: Case | str, value: float, **more: Any) -> Figure:
    return figure(
        f"rollout_evidence/{what}/{line}/{case.name if isinstance(case, Case) else case}",
        Sample((float(value),)),
        "",
        Kind.RESOURCE,
        **{"lower_is_better": False, **more},
    )
