"""The examples in docstrings hold."""

import doctest
import importlib
import pkgutil

import edgeloop_replay
import pytest

MODULES = [module.name for module in pkgutil.walk_packages(edgeloop_replay.__path__, "edgeloop_replay.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
