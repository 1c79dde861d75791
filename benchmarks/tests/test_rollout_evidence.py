"""The promises of a rollout's evidence hold in three thousand simulated rollouts, and peers are asked the same."""

from __future__ import annotations

import numpy as np
import pytest
from edgeloop_rollout.core.sequential_test import Comparison, Design, Window

from benchmarks import rollout_evidence as simulation
from benchmarks.rollout_evidence import ALPHA, MARGIN, Case
from benchmarks.unlike_devices import turned_back


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_a_version_as_good_reaches_everybody_and_one_five_points_worse_is_turned_back_in_its_first_phase(rate: float) -> None:
    good, worse = (simulation.simulated(Case(rate, change), 3_000) for change in (0.0, MARGIN))
    assert good.turned_back.mean() <= 0.01
    assert (good.phase == len(simulation.SHARES)).mean() >= 0.99
    assert worse.turned_back.mean() >= 0.99
    assert (worse.turned_back & (worse.phase == 0)).mean() >= 0.95


def test_rates_that_swing_turn_no_good_version_back() -> None:
    assert simulation.simulated(Case(0.1, 0.0, swing=0.5), 3_000).turned_back.mean() <= 0.01


def test_a_z_test_looked_at_after_each_window_turns_many_good_versions_back() -> None:
    found = simulation.peers(Case(0.1, 0.0), 500)
    once, always = (found[f"z-test, looked at {when}"][0] for when in ("once", "after each window"))
    assert once <= 0.03 < 0.05 < always


def test_devices_that_differ_turn_good_versions_back_and_strata_help() -> None:
    without, with_strata = (turned_back(0.03, known, 500, rate=0.1, margin=MARGIN, alpha=ALPHA) for known in (0, 2_000))
    assert without > 0.04 > 0.02 >= with_strata


def test_the_shadow_needs_fewer_rows() -> None:
    case = Case(0.1, MARGIN)
    share, rows = simulation.shadowed(case, 500)
    assert share >= 0.98
    assert rows < simulation.simulated(case, 500).first_rows.mean() / 1.5


def test_many_rollouts_at_once_are_the_same_as_one_by_one() -> None:
    """The simulation asks the kernel for all rollouts; the service keeps one :class:`Comparison`. Both come to the same numbers."""
    case = Case(0.1, MARGIN)
    found = simulation.simulated(case, 1, seed=7)
    rng, state = np.random.default_rng(7), Comparison()
    for _ in range(1000):
        new = int(rng.binomial(simulation.WINDOW, simulation.SHARES[:1])[0])
        if not new:
            continue
        wrong = int(rng.binomial([simulation.WINDOW - new], 0.1)[0])
        new_wrong = int(rng.binomial([new], 0.15)[0])
        state = state.updated(Window(simulation.WINDOW - new, wrong, new, new_wrong), Design(0.0, MARGIN))
        if state.log_above(0.0) >= np.log(100):
            break
    assert found.turned_back.all()
    assert state.new_rows == found.rows[0]
