"""Devices whose labels and answers differ unusually often."""

import doctest

import numpy as np
import pytest
from edgeloop_monitoring.core import disagreement
from edgeloop_monitoring.core.disagreement import Disagreement, Suspicion, judge
from edgeloop_monitoring.core.subjects import Groups, Subject
from hypothesis import given
from hypothesis import strategies as st

RULE = Suspicion()
GROUP = Subject("t", "s", "default")


def test_the_examples_hold() -> None:
    assert doctest.testmod(disagreement).failed == 0


@pytest.mark.parametrize("usual", [0.0, 0.05, 0.1, 0.2])
def test_a_tenth_of_the_devices_that_flips_a_third_of_its_labels_stands_out_and_nobody_else(usual: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        shares = np.full(20, usual)
        shares[[3, 11]] = 0.7 * usual + 0.3 * (1 - usual / 2)
        counts = {f"d{i:02}": (1_200, int(rng.binomial(1_200, share))) for i, share in enumerate(shares)}
        assert judge(counts, RULE).devices == ("d03", "d11")


@given(st.floats(0, 1), st.integers(3, 30), st.integers(0, 2**32 - 1))
def test_devices_that_are_alike_hardly_ever_stand_out(usual: float, devices: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    out = [judge({str(i): (200, int(rng.binomial(200, usual))) for i in range(devices)}, RULE).devices for _ in range(20)]
    assert sum(map(bool, out)) <= 1


def test_devices_that_all_differ_from_each_other_are_no_measure_for_one() -> None:
    shares = {str(i): (500, 50 * i) for i in range(6)}
    assert judge(shares, RULE).devices == ()


def test_few_rows_or_few_devices_say_nothing() -> None:
    many = {"a": (99, 0), "b": (100, 0), "c": (100, 0), "d": (100, 90)}
    assert judge(many, RULE).judged == 3
    assert judge({"a": (100, 0), "b": (99, 0), "d": (100, 90)}, RULE) is None


def test_a_device_is_compared_with_its_own_group_and_stream() -> None:
    seen = Disagreement(Groups(["line-a", "line-b"]), RULE, 1_000, 60_000)
    for number in range(4):
        seen.judged("t", "s", f"line-a-{number}", 200, 10, 5_000)
        seen.judged("t", "s", f"line-b-{number}", 200, 10 if number else 90, 5_000)
        seen.judged("t", "other", f"line-a-{number}", 200, 150, 5_000)
    found = seen.groups(6_000)
    assert {subject: standout.devices for subject, standout in found.items()} == {
        Subject("t", "s", "line-a"): (),
        Subject("t", "s", "line-b"): ("line-b-0",),
        Subject("t", "other", "line-a"): (),
    }


def test_rows_count_as_long_as_the_span_and_what_is_too_old_not_at_all() -> None:
    seen = Disagreement(Groups(), RULE, 1_000, 60_000)

    def rows(at: int, wrong: int) -> None:
        for name, differing in (("a", 5), ("b", 5), ("c", wrong)):
            seen.judged("t", "s", name, 100, differing, at)

    rows(10_000, 60)
    assert seen.groups(69_999)[GROUP].devices == ("c",)
    rows(70_000, 5)
    assert seen.groups(70_000)[GROUP].devices == ("c",)
    assert seen.groups(71_000)[GROUP].devices == ()
    rows(10_500, 60)
    assert seen.groups(71_000)[GROUP].devices == ()
    assert seen.groups(200_000) == {}
