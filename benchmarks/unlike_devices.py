"""Simulated first phases in a fleet whose devices differ: good versions that are turned back, with strata and without."""

from __future__ import annotations

import math

import numpy as np
from edgeloop_rollout.core import bets
from edgeloop_rollout.core.sequential_test import BETS, Design

DEVICES, ROWS_A_DEVICE, STRATA, WINDOWS = 100, 2, 5, 600


def turned_back(
    spread: float, known: int, rollouts: int, *, rate: float, margin: float, alpha: float, change: float = 0.0, seed: int = 3
) -> float:
    """Share of first phases that end by turning back.

    Parameters
    ----------
    spread
        Standard deviation of the devices' error rates, around ``rate``.
    known
        Rows of each device before the rollout, by which it is sorted into one of five strata; 0 for a single stratum.
    change
        What the new version adds to each device's rate.
    """
    rng = np.random.default_rng(seed)
    rates = np.clip(rng.normal(rate, spread, size=(rollouts, DEVICES)), 0.005, 0.9)
    parts = STRATA if known else 1
    seen = rng.binomial(known, rates) if known else rng.random(rates.shape)
    order = np.argsort(seen + 1e-3 * rng.random(rates.shape), axis=1)
    # Of each stratum the same share of devices gets the version; within it, which ones is chance.
    parted = rng.permuted(np.take_along_axis(rates, order, axis=1).reshape(rollouts, parts, -1), axis=2)
    treated = DEVICES // 20 // parts
    new_rate = np.clip(parted[:, :, :treated].mean(axis=2) + change, 0, 1)
    old_rate = parted[:, :, treated:].mean(axis=2)
    new_rows, old_rows = ROWS_A_DEVICE * treated, ROWS_A_DEVICE * (parted.shape[2] - treated)
    design = Design(0.0, margin)
    growth, stake = np.zeros((rollouts, 2 * BETS)), np.zeros((rollouts, 2 * BETS))
    events, rows = np.zeros(rollouts), 0
    turned, going = np.zeros(rollouts, dtype=bool), np.arange(rollouts)
    limit = -math.log(alpha)
    for _ in range(WINDOWS):
        wrong, new_wrong = rng.binomial(old_rows, old_rate[going]), rng.binomial(new_rows, new_rate[going])
        guess = bets.guess(np.array(rows), events[going])[:, None, None]
        counts = (np.array(old_rows), wrong[..., None], np.array(new_rows), new_wrong[..., None])
        more, staked = bets.concurrent(guess, design.tested, design.gains, counts)
        growth[going] += more.sum(axis=1)
        stake[going] += (staked * np.ones_like(more)).sum(axis=1)
        events[going] += wrong.sum(axis=1)
        rows += parts * old_rows
        harm = bets.mixture(growth[going, :BETS], stake[going, :BETS], design.low) >= limit
        within = bets.mixture(growth[going, BETS:], stake[going, BETS:], design.high) >= limit
        turned[going[harm]] = True
        going = going[~harm & ~within]
        if not len(going):
            break
    return float(turned.mean())
