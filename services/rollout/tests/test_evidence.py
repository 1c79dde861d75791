import math

import numpy as np
import pytest
from edgeloop_rollout.core import bets
from edgeloop_rollout.core.judgement import (
    Advance,
    Continue,
    Counted,
    Criteria,
    Direction,
    Kind,
    Metric,
    TurnBack,
    answer_metrics,
    judge,
    with_counts,
)
from edgeloop_rollout.core.sequential_test import BETS, Comparison, Design, Pairs, Window
from hypothesis import given
from hypothesis import strategies as st

DESIGN = Design(0.0, 0.05)
RATES = st.floats(0.0, 1.0)
ROWS = st.integers(1, 6)


def pmf(rows: int, rate: float) -> np.ndarray:
    return np.array([math.comb(rows, k) * rate**k * (1 - rate) ** (rows - k) for k in range(rows + 1)])


@given(RATES, RATES, ROWS, ROWS, st.floats(0.002, 0.998), st.floats(-0.5, 0.5))
def test_a_window_is_expected_to_add_no_evidence_against_the_truth(
    old: float, new: float, old_rows: int, new_rows: int, guess: float, low: float
) -> None:
    """Exact, over all outcomes of a window: whatever the rates, the guess and the design, and for every difference at once."""
    design = Design(low, low + 0.1)
    old_events, new_events = (grid.ravel()[:, None] for grid in np.meshgrid(range(old_rows + 1), range(new_rows + 1), indexing="ij"))
    chance = np.outer(pmf(old_rows, old), pmf(new_rows, new)).ravel()[:, None]
    window = (np.float64(old_rows), old_events, np.float64(new_rows), new_events)
    growth, stake = bets.concurrent(np.float64(guess), design.tested, design.gains, window)
    expected = (chance * np.exp(growth - stake * (new - old))).sum(axis=0)
    assert (expected <= 1 + 1e-9).all()


@given(st.tuples(RATES, RATES, RATES).filter(lambda t: sum(t) > 0), ROWS, st.floats(0.002, 0.998), st.floats(-0.5, 0.5))
def test_pairs_are_expected_to_add_no_evidence_against_the_truth(weights: tuple[float, ...], rows: int, guess: float, low: float) -> None:
    design = Design(low, low + 0.1)
    only_new, only_old, _ = np.array(weights) / sum(weights)
    agree = max(0.0, 1 - only_new - only_old)
    total = np.zeros(2 * BETS)
    for a in range(rows + 1):
        for b in range(rows + 1 - a):
            chance = math.comb(rows, a) * math.comb(rows - a, b) * only_new**a * only_old**b * agree ** (rows - a - b)
            growth, stake = bets.paired(np.float64(guess), design.tested, design.gains, (rows, a, b))
            total += chance * np.exp(growth - stake * (only_new - only_old))
    assert (total <= 1 + 1e-9).all()


WINDOWS = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 60), st.integers(0, 60)).map(
    lambda n: Window(max(n[0], n[1]), min(n[0], n[1]), max(n[2], n[3]), min(n[2], n[3]))
)


@given(st.lists(WINDOWS, max_size=20), st.floats(-0.9, 0.8))
def test_any_counts_give_finite_evidence_and_an_interval_around_what_cannot_be_excluded(windows: list[Window], difference: float) -> None:
    state = Comparison()
    for window in windows:
        state = state.updated(window, DESIGN)
    assert all(map(math.isfinite, (*state.growth, *state.stake)))
    assert state.log_above(difference) >= state.log_above(difference + 0.1)
    lower, upper = state.interval(0.05)
    assert -1 <= lower <= upper <= 1
    assert state.log_above(lower) == pytest.approx(math.log(40), abs=1e-3) or lower == -1


def test_a_new_comparison_knows_nothing() -> None:
    assert (Comparison().interval(0.05), Comparison().difference) == ((-1.0, 1.0), None)
    assert Comparison().log_above(0.0) == pytest.approx(0.0)


def test_a_window_in_which_one_version_answered_nothing_is_left_out() -> None:
    assert Comparison().updated(Window(100, 10, 0, 0), DESIGN) == Comparison() == Comparison().updated(Pairs(0, 0, 0), DESIGN)


@pytest.mark.parametrize("counts", [(3, 4, 1, 0), (3, -1, 1, 0), (3, 0, 1, 2)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected 0 ≤ events ≤ rows, given"):
        Window(*counts)
    with pytest.raises(ValueError, match="expected 0 ≤ only_new"):
        Pairs(3, 2, 2)


def test_a_rate_that_rises_at_noon_while_the_phase_grows_is_no_evidence() -> None:
    """Counts added up would say +11 points: the new version answers most rows when both err more (Simpson's paradox)."""
    state = Comparison()
    for _ in range(20):
        state = state.updated(Window(950, 95, 50, 5), DESIGN)
    for _ in range(20):
        state = state.updated(Window(500, 150, 500, 150), DESIGN)
    assert state.difference is not None and state.difference > 0.1
    assert state.log_above(0.0) < 0
    assert state.log_below(0.05) > math.log(100)


def test_pairs_need_far_fewer_rows_than_rows_of_either_version() -> None:
    """The same two versions, 10 % and 15 % wrong, wrong together on 9 % of the rows."""
    paired = concurrent = Comparison()
    for _ in range(5):
        paired = paired.updated(Pairs(100, 6, 1), DESIGN)
        concurrent = concurrent.updated(Window(100, 10, 100, 15), DESIGN)
    assert paired.log_above(0.0) > math.log(100) > 2 * concurrent.log_above(0.0)


def judged(criteria: Criteria, *counted: Counted, times: int = 1) -> Continue | TurnBack | Advance:
    state = ()
    for _ in range(times):
        state = with_counts(criteria, state, counted)
    return judge(criteria, state)


WORSE, SAME, BETTER = Window(190, 19, 40, 12), Window(190, 19, 40, 4), Window(190, 19, 40, 1)


def test_a_version_is_turned_back_goes_on_or_is_watched() -> None:
    criteria = Criteria((Metric("error"),))
    assert judged(criteria, Counted("error", SAME)) == Continue()
    assert isinstance(judged(criteria, Counted("error", SAME), times=30), Advance)
    found = judged(criteria, Counted("error", WORSE), times=10)
    assert isinstance(found, TurnBack)
    assert str(found.evidence[0]).startswith("error over the fleet: +20.0 points (")


def test_a_slice_that_gets_worse_turns_a_rollout_back_while_the_mean_gets_better() -> None:
    criteria = Criteria((Metric("error"),), groups=("north", "south"))
    found = judged(criteria, Counted("error", WORSE, "north"), *[Counted("error", BETTER, "south")] * 9, times=12)
    assert isinstance(found, TurnBack)
    assert [one.group for one in found.evidence] == ["north"]
    assert isinstance(judged(Criteria((Metric("error"),)), *[Counted("error", BETTER)] * 9, times=12), Advance)


@given(st.integers(1, 6), st.integers(0, 30))
def test_levels_of_all_tests_add_up_to_alpha(metrics: int, groups: int) -> None:
    sides = list(Direction)
    criteria = Criteria(tuple(Metric(str(i), direction=sides[i % 3]) for i in range(metrics)), tuple(map(str, range(groups))))
    assert math.fsum(map(criteria.level, criteria.tests())) == pytest.approx(criteria.alpha)


def test_a_shift_of_answers_turns_back_without_labels_and_an_unseen_guard_never_holds_up() -> None:
    criteria = Criteria((Metric("failed", Kind.FAILED, margin=0.02), *answer_metrics(("a", "b"))))
    fine = Counted("failed", Window(1000, 2, 100, 0))
    assert isinstance(judged(criteria, fine, times=20), Advance)
    assert judged(criteria, *(Counted(f"answer {name}", Window(190, 95, 10, 5)) for name in "ab"), times=50) == Continue()
    found = judged(criteria, fine, Counted("answer a", Window(190, 95, 10, 2)), times=20)
    assert isinstance(found, TurnBack)
    assert (found.evidence[0].metric, found.evidence[0].side) == ("answer a", Direction.DOWN)


def test_harm_below_what_is_tolerated_is_let_through() -> None:
    criteria = Criteria((Metric("slow", Kind.SLOW, margin=0.05, tolerated=0.02),))
    assert isinstance(judged(criteria, Counted("slow", Window(1900, 19, 100, 2)), times=20), Advance)
    assert isinstance(judged(criteria, Counted("slow", Window(1900, 19, 100, 12)), times=20), TurnBack)


def test_metrics_that_cannot_be_judged_are_refused() -> None:
    with pytest.raises(ValueError, match=r"metric error: expected 0 ≤ tolerated < margin < 1, given 0\.1 and 0\.05"):
        Metric("error", tolerated=0.1)
    with pytest.raises(ValueError, match="expected unique names"):
        Criteria((Metric("error"), Metric("error")))
