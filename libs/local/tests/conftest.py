"""What the tests of this package share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


class Eventually(Protocol):
    """Waits until a condition holds."""

    def __call__(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        """Fail when it doesn't hold `within` seconds."""


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, and fail when it doesn't in time."""

    def wait(condition: Callable[[], bool], within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait
