from __future__ import annotations

from itertools import pairwise

import numpy as np
from edgeloop_ingestion.core.batches import runs_of
from edgeloop_ingestion.core.intervals import SeenRuns
from hypothesis import given
from hypothesis import strategies as st

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1])), max_size=30)


@given(SPANS)
def test_runs_hold_what_was_added_and_nothing_else(spans: list[tuple[int, int]]) -> None:
    runs, model = SeenRuns(), set[int]()
    for first, end in spans:
        unseen = [n for a, b in runs.unseen(first, end) for n in range(a, b)]
        assert unseen == [n for n in range(first, end) if n not in model]
        assert runs.add(first, end) == 0
        model |= set(range(first, end))
    assert {n for a, b in zip(runs.starts, runs.ends, strict=True) for n in range(a, b)} == model
    edges = [edge for pair in zip(runs.starts, runs.ends, strict=True) for edge in pair]
    assert edges == sorted(set(edges)), "runs are ascending, disjoint, and do not touch"


@given(SPANS)
def test_the_order_in_which_rows_come_does_not_matter(spans: list[tuple[int, int]]) -> None:
    there, back = SeenRuns(), SeenRuns()
    for first, end in spans:
        there.add(first, end)
    for first, end in reversed(spans):
        back.add(first, end)
    assert (there.starts, there.ends) == (back.starts, back.ends)


@given(SPANS, st.integers(1, 3))
def test_bounded_runs_close_the_oldest_gaps_and_never_forget_a_seen_row(spans: list[tuple[int, int]], bound: int) -> None:
    runs, model, given_up = SeenRuns(max_runs=bound), set[int](), 0
    for first, end in spans:
        before = {n for a, b in runs.unseen(0, 80) for n in range(a, b)}
        given_up = runs.add(first, end)
        after = {n for a, b in runs.unseen(0, 80) for n in range(a, b)}
        model |= set(range(first, end))
        assert len(runs.starts) <= bound
        assert not after & model
        assert len(before - after - set(range(first, end))) == given_up


@given(st.lists(st.booleans(), min_size=1, max_size=40), SPANS)
def test_runs_of_valid_rows_cover_each_valid_unseen_row_once(valid: list[bool], seen: list[tuple[int, int]]) -> None:
    known = SeenRuns()
    for first, end in seen:
        known.add(first, end)
    unseen = known.unseen(0, len(valid))
    runs = list(runs_of(np.array(valid), unseen))
    rows = [n for a, b in runs for n in range(a, b)]
    assert rows == [n for a, b in unseen for n in range(a, b) if valid[n]]
    assert all(a < b for a, b in runs)
    assert all(b < c for (_, b), (c, _) in pairwise(runs)), "runs are maximal"
