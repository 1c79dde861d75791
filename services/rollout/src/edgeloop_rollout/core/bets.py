"""Bets on the difference of two rates: how much evidence a window adds, for many bets, tests or simulated rollouts at once.

A window holds rows of both versions. The errors of the new one are ``new_events`` among ``new_rows``, those of the old one ``old_events``
among ``old_rows``. Each row multiplies a gambler's wealth by ``1 + c (y - m)``: ``y`` is 1 for an error, ``m`` a guess of its rate and ``c``
the bet, both fixed before the window is seen. On the old version the bet is against errors: ``1 - c' (y - m')``.

With ``c * new_rows = c' * old_rows = s``, the *stake*, the concavity of the logarithm gives for every difference of rates ``d``

    E[prod(1 + c (y - m)) * prod(1 - c' (y - m'))] <= exp(s (d - (m - m'))).

So ``exp(growth - s d)`` with ``growth = log of the product + s (m - m')`` is an e-value for a difference of ``d`` at most (at least, for a
negative stake), at any level of the two rates, which may change from window to window and from row to row. Its product over windows is an
e-process. Sums of ``growth`` and of ``s`` are all that has to be kept, for all ``d`` at once.

The bet is that of Waudby-Smith and Ramdas 2024 ("Estimating means of bounded random variables by betting", JRSS B 86:1), the guesses are the
projection of Turner, Ly and Grünwald 2024 ("Generic E-variables for exact sequential k-sample tests", JSPI 230), and the line in ``d`` makes
a confidence sequence of it as in Howard, Ramdas, McAuliffe and Sekhon 2021 ("Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 49:2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

SCALES = np.array([1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0])
"""Distances from the tested difference that are bet on, in units of the margin."""
WEIGHTS = np.array([0.04, 0.06, 0.15, 0.40, 0.25, 0.10])
"""Shares of the wealth put on each; most on a distance of one margin, which has to be told apart."""
SOLVENCY = 0.75
"""Share of the wealth that a row may take at most. Below 1, or a row could ruin the gambler for good."""
PRIOR_ROWS = 2.0
"""Rows at a rate of a half that the guess of a rate begins with."""


def guess(rows: Numbers, events: Numbers) -> Numbers:
    """Rate of earlier rows, never 0 or 1."""
    return (events + PRIOR_ROWS / 2) / (rows + PRIOR_ROWS)


def concurrent(rate: Numbers, tested: Numbers, gain: Numbers, window: tuple[Numbers, Numbers, Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Growth and stake of each bet in a window of rows that either version answered.

    Parameters
    ----------
    rate
        Guess of the old version's rate, from earlier windows.
    tested
        Difference of rates that each bet is sharpest against.
    gain
        Distance from it that is bet on; negative for a bet that the difference is smaller.
    window
        Rows and events of the old version, rows and events of the new one. Both have rows. All arrays broadcast against ``gain``.
    """
    old_rows, old_events, new_rows, new_events = window
    level = _inside(rate + tested)
    old_spread, new_spread = rate * (1 - rate), level * (1 - level)
    stake = gain / (new_spread / new_rows + old_spread / old_rows)
    old_rate = _inside(rate + stake * old_spread / old_rows)
    new_rate = _inside(old_rate + tested)
    up = gain > 0
    worst_new = np.where(up, new_rate, 1 - new_rate)
    worst_old = np.where(up, 1 - old_rate, old_rate)
    lost = np.maximum(np.abs(stake) * worst_new / new_rows, np.abs(stake) * worst_old / old_rows)
    stake = stake / np.maximum(1.0, lost / SOLVENCY)
    bet, against = stake / new_rows, stake / old_rows
    growth = new_events * np.log1p(bet * (1 - new_rate)) + (new_rows - new_events) * np.log1p(-bet * new_rate)
    growth += old_events * np.log1p(-against * (1 - old_rate)) + (old_rows - old_events) * np.log1p(against * old_rate)
    return growth + stake * (new_rate - old_rate), stake


def paired(discordance: Numbers, tested: Numbers, gain: Numbers, window: tuple[Numbers, Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Growth and stake of each bet in a window of rows that both versions answered: a sequential McNemar test.

    A row counts 1 if only the new version erred, -1 if only the old one did, else 0.

    Parameters
    ----------
    discordance
        Guess of the share of rows on which one version errs and the other does not, from earlier windows.
    tested, gain
        As of :func:`concurrent`.
    window
        Rows, rows on which only the new version erred, rows on which only the old one did.
    """
    rows, only_new, only_old = window
    bet = gain / discordance
    bet = bet / np.maximum(1.0, np.abs(bet) * (1 + np.abs(tested)) / SOLVENCY)
    growth = only_new * np.log1p(bet * (1 - tested)) + only_old * np.log1p(-bet * (1 + tested))
    growth += (rows - only_new - only_old) * np.log1p(-bet * tested)
    return growth + rows * bet * tested, rows * bet


def mixture(growth: Numbers, stake: Numbers, difference: float) -> Numbers:
    """Logarithm of the e-value against a difference, over bets of one direction in the last axis."""
    exponent = growth - stake * difference + np.log(WEIGHTS)
    top = exponent.max(axis=-1)
    return top + np.log(np.exp(exponent - top[..., None]).sum(axis=-1))


def _inside(rate: Numbers) -> Numbers:
    return np.clip(rate, 1e-4, 1 - 1e-4)
