import doctest
from dataclasses import replace

import edgeloop_cli.core.accuracy
import edgeloop_cli.core.lineage
import edgeloop_cli.core.pooled
import edgeloop_cli.core.showing
import numpy as np
import pytest
from edgeloop_cli.core.accuracy import RollingAccuracy, rolling
from edgeloop_cli.core.lineage import facts, shown, title
from edgeloop_cli.core.pooled import PooledOrder
from edgeloop_cli.core.showing import plain, told
from edgeloop_contracts import EVENTS, DriftSignal, Label, Occasion, TrainingRequest


@pytest.mark.parametrize("module", ["accuracy", "lineage", "pooled", "showing"])
def test_the_examples_in_the_documentation_hold(module: str):
    assert doctest.testmod(getattr(edgeloop_cli.core, module)).failed == 0


def test_every_event_has_a_title_and_facts():
    for kind in EVENTS:
        assert title(kind())
        assert all(shown(value) is not None for value in facts(kind()).values())


def test_bytes_that_are_no_text_are_shown_as_digits():
    assert plain({"a": b"{}", "b": b"\x00\xff"}) == {"a": "{}", "b": "0x00ff"}


def test_fields_at_their_default_are_left_out():
    assert told(Label(stream="s", seq=4)) == {"stream": "s", "seq": 4}


def test_a_signal_tells_what_changed_from_what_to_what():
    told_facts = facts(DriftSignal(detector="ADWIN", row=12, before=0.1, after=0.4, model_version=3))
    assert told_facts["error rate"] == "0.1 → 0.4"
    assert (told_facts["row"], told_facts["model_version"]) == (12, 3)


def test_signals_and_fits_are_told_in_plain_words():
    signal = DriftSignal(detector="ADWIN(alone)", scope="alone", rising=True, since=96)
    assert title(signal) == "drift: ADWIN(alone) saw that the errors of versions without their adapter rose"
    assert facts(signal)["over"] == "the newest 96 answers"
    fit = TrainingRequest(stage=1, row=1_600, opened=1_000, occasion=Occasion.DRIFT)
    assert title(fit) == "retraining asked for a fit, stage 2 of a campaign, 600 rows after its signal"
    assert title(replace(fit, row=6_000, occasion=Occasion.QUIET)) == "retraining asked for a quiet fit: 5,000 rows without another signal"


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
