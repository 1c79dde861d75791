"""Rolling accuracy, and the order in which rows are pooled."""

import numpy as np
import pytest
from edgeloop_replay.accuracy import RollingAccuracy, rolling
from edgeloop_replay.pooled_order import PooledOrder


def test_rolling_accuracy_agrees_with_counting_by_hand():
    right = np.random.default_rng(3).random(300) < 0.7
    counted = RollingAccuracy(window=40)
    for value in right:
        counted.add(bool(value))
    assert counted.total == pytest.approx(right.mean())
    assert counted.recent == pytest.approx(right[-40:].mean())
    assert rolling(right, 40)[-1] == pytest.approx(right[-40:].mean())
    assert rolling(right, 40)[9] == pytest.approx(right[:10].mean())


def test_the_pool_finds_rows_whichever_record_is_read_first():
    order = PooledOrder()
    order.partial(partition=1, first_index=0, count=2)
    order.partial(partition=0, first_index=0, count=1)
    order.example(0, 0, [("b", 1, 0)])
    order.example(1, 0, [("a", 1, 5), ("a", 1, 6)])
    rows = {("a", 1, 5): 10, ("a", 1, 6): 11, ("b", 1, 0): 12}
    assert [order.row(n, rows) for n in range(5)] == [None, 10, 11, 12, None]


def test_an_example_batch_that_is_read_twice_changes_nothing():
    order = PooledOrder()
    order.partial(0, 0, 3)
    for first, ids in ((0, [("a", 1, 0), ("a", 1, 1)]), (0, [("a", 1, 0), ("a", 1, 1)]), (2, [("a", 1, 2)])):
        order.example(0, first, ids)
    rows = {("a", 1, seq): seq for seq in range(3)}
    assert [order.row(n, rows) for n in (1, 2, 3)] == [0, 1, 2]
