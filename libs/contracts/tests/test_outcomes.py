"""Right and wrong answers, of classes and of numbers."""

from __future__ import annotations

import doctest
import math

import edgeloop_contracts.outcomes
from edgeloop_contracts.outcomes import LARGEST, error, number, plain, right
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.floats(-LARGEST, LARGEST)


def test_the_examples_in_the_documentation_hold():
    assert doctest.testmod(edgeloop_contracts.outcomes).failed == 0


@given(NUMBERS)
def test_the_one_text_of_a_number_gives_it_again(value):
    assert number(plain(value)) == value
    assert plain(number(plain(value))) == plain(value)


@given(NUMBERS, NUMBERS)
def test_texts_are_equal_exactly_where_numbers_are(one, other):
    assert (plain(one) == plain(other)) == (one == other)


@given(st.text())
def test_any_text_is_a_finite_number_or_none(text):
    value = number(text)
    assert value is None or math.isfinite(value)


@given(st.text(), st.text())
def test_classes_are_right_where_they_are_equal(answer, label):
    assert right(answer, label) == (answer == label) == (error(answer, label, numbers=False) == 0)


@given(NUMBERS, NUMBERS, st.floats(1e-6, 1e6))
def test_numbers_are_right_within_the_tolerance_and_no_text_is(said, true, tolerance):
    assert right(plain(said), plain(true), tolerance) == (abs(said - true) <= tolerance)
    assert not right("nan", plain(true), tolerance)
