"""Conditions under which the first version answers alone."""

from __future__ import annotations

from collections import deque

import numpy as np
from edgeloop_mixture.comparison import Comparison
from edgeloop_mixture.rule import Rule

RULE = Rule()


def play(shares: list[tuple[int, float, float]], late: int = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """By row, whether the first version answered alone, and how many wrong answers that saved (-1 for one that it cost).

    Parameters
    ----------
    shares
        Phases of a world: their rows, and the shares of rows at which the mixture and the first version are wrong.
    late
        Rows by which labels are late.
    """
    chance, comparison = np.random.default_rng(seed), Comparison()
    waiting: deque[tuple[float, float, bool]] = deque()
    alone, saved = [], []
    for rows, mixture, first in shares:
        for _ in range(rows):
            losses = float(chance.random() < mixture), float(chance.random() < first)
            alone.append(comparison.against(RULE))
            saved.append((losses[0] - losses[1]) * alone[-1])
            waiting.append((*losses, comparison.doubts(RULE)))
            if len(waiting) > late:
                *told, doubted = waiting.popleft()
                comparison = comparison.after(RULE, *told, doubted=doubted)
    return np.array(alone), np.array(saved)


def test_it_begins_with_the_mixture_and_one_label_does_not_change_that() -> None:
    assert not Comparison().against(RULE)
    assert not Comparison().after(RULE, 1.0, 0.0, doubted=False).against(RULE)


def test_a_mixture_that_does_worse_is_found_out_within_a_few_labels_and_back_when_it_does_well_again() -> None:
    alone, _ = play([(3_000, 0.1, 0.2), (300, 0.5, 0.2), (3_000, 0.1, 0.2)])
    assert not alone[500:3_000].any()
    assert alone[3_200:3_300].all()
    assert not alone[4_300:].any()


def test_a_mixture_that_is_a_little_worse_for_long_does_not_answer() -> None:
    alone, saved = play([(30_000, 0.27, 0.25)])
    assert alone[10_000:].mean() > 0.9
    assert saved.sum() > 0


def test_a_world_that_flips_sooner_than_labels_tell_is_left_to_the_first_version() -> None:
    # By turns the mixture is far better and far worse, and labels say the opposite of what is.
    alone, _ = play([(700, 0.5, 0.2), (700, 0.1, 0.35)] * 30, late=700)
    assert alone[20_000:].mean() > 0.9


def test_where_switching_comes_too_late_the_mixture_goes_on_if_it_gains_more_than_it_loses() -> None:
    alone, saved = play([(2_000, 0.1, 0.6), (1_000, 0.5, 0.2)] * 12, late=1_000)
    assert alone[:6_000].any()
    assert not alone[12_000:].any()
    assert saved[12_000:].sum() == 0


def test_in_a_world_that_has_changed_for_good_the_mixture_takes_over_however_long_it_was_worse() -> None:
    alone, _ = play([(40_000, 0.3, 0.25), (3_000, 0.2, 0.6)], late=100)
    assert alone[39_000:40_000].all()
    assert not alone[42_000:].any()


def test_where_both_are_alike_the_mixture_goes_on() -> None:
    alone, _ = play([(20_000, 0.05, 0.05)])
    assert alone.mean() < 0.2
