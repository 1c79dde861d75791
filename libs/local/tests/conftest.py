"""Fixtures and helpers of this package's tests."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from support import processes

Eventually = Callable[..., Any]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, and fail when it doesn't in 10 seconds or those that are given."""
    return functools.partial(processes.eventually, seconds=10.0)
