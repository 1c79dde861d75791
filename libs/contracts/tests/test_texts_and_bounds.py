"""Texts of others and what a report can say: the docstrings show it, here are the edges."""

from __future__ import annotations

import doctest
from types import ModuleType

import edgeloop_contracts.plausibility
import edgeloop_contracts.texts
import pytest
from edgeloop_contracts.texts import MOST, cut
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("module", [edgeloop_contracts.texts, edgeloop_contracts.plausibility])
def test_examples_of_the_docstrings(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@given(st.text(st.characters(), max_size=200), st.integers(40, 120))
def test_a_cut_text_is_short_can_be_written_and_stays_as_it_is(text: str, most: int) -> None:
    short = cut(text, most)
    assert len(short) <= most
    assert cut(short, most) == short
    short.encode()
    if len(text) <= most and "\ud800" not in text:
        assert short == text.encode("utf-8", "replace").decode()


def test_megabytes_become_kilobytes() -> None:
    assert len(cut("ä" * 5_000_000).encode()) <= 2 * MOST + 10
