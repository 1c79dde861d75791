"""One suite, two brokers: the real one, and the one in memory that unit tests use.

The tests are ``tests/integration/test_conformance_of_*.py``, each a property that services rely on.
The limits of the broker in memory are strict xfails there.
"""

from __future__ import annotations

import pytest
from support.memory_stage import MemoryStage
from support.real_stage import RealStage
from support.stages import Stage

REAL = pytest.param("real", marks=pytest.mark.integration)
BROKERS = ["memory", REAL]


def stage_of(request: pytest.FixtureRequest) -> Stage:
    """The stage that a fixture's parameter names."""
    return MemoryStage() if request.param == "memory" else RealStage(request.getfixturevalue("cluster"))


def gap_in_memory(why: str, fixture: str = "shared") -> pytest.MarkDecorator:
    """A test that the broker in memory fails, with the reason."""
    missing = pytest.param("memory", marks=pytest.mark.xfail(strict=True, reason=why))
    return pytest.mark.parametrize(fixture, [missing, REAL], indirect=True)
