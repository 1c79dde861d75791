"""The rule, and that batches do not matter to it."""

from __future__ import annotations

from itertools import pairwise

from edgeloop_trainer.core.gate import Judgement, Rule, Tally, Verdict, judge
from hypothesis import given
from hypothesis import strategies as st

START = Judgement(Tally(), 101)
WIN, LOSS, BOTH, NEITHER = (True, False), (False, True), (True, True), (False, False)


def test_a_challenger_that_wins_every_row_is_promoted_as_soon_as_enough_rows_differ():
    end = judge(Rule(8), START, [BOTH, WIN] * 50, until=300)
    assert (end.verdict, end.next_row, end.tally) == (Verdict.PROMOTE, 117, Tally(wins=8, both=8, judged=16))


def test_a_small_lead_decides_only_at_the_last_row():
    outcomes = [LOSS, WIN] * 20 + [WIN] + [BOTH] * 59
    assert judge(Rule(8), START, outcomes[:99], until=200).verdict is None
    end = judge(Rule(8), START, outcomes, until=200)
    assert (end.verdict, end.next_row, end.tally.judged) == (Verdict.PROMOTE, 201, 100)


def test_a_draw_is_no_lead():
    assert judge(Rule(8), START, [WIN, LOSS] * 50, until=200).verdict == Verdict.REJECT
    assert judge(Rule(8), START, [NEITHER] * 100, until=200).verdict == Verdict.REJECT


def test_a_gate_whose_last_row_has_passed_decides_without_further_rows():
    assert judge(Rule(8), START, [], until=100).verdict == Verdict.REJECT
    assert judge(Rule(8), Judgement(Tally(wins=1, judged=1), 102), [], until=101).verdict == Verdict.PROMOTE


def test_rows_after_the_decision_are_not_looked_at():
    end = judge(Rule(1), START, iter([WIN, LOSS, LOSS, LOSS]), until=200)
    assert end == Judgement(Tally(wins=1, judged=1), 102, Verdict.PROMOTE)
    assert judge(Rule(1), end, [LOSS], until=200) == end


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=120),
    st.lists(st.integers(0, 120), max_size=12),
    st.integers(1, 12),
    st.integers(100, 230),
)
def test_the_decision_does_not_depend_on_how_rows_come_in_batches(outcomes, cuts, minimum, until):
    whole = judge(Rule(minimum), START, outcomes, until)
    places = sorted({0, len(outcomes), *(cut for cut in cuts if cut < len(outcomes))})
    step = START
    for first, end in pairwise(places):
        step = judge(Rule(minimum), step, outcomes[first:end], until)
    if outcomes:
        assert step == whole
