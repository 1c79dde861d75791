"""Fixtures of the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.conformance import BROKERS, stage_of
from support.scripts import Scene, Script
from support.stages import Stage


@pytest.fixture(scope="module", params=BROKERS)
def shared(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """One service, shared by the tests of a module that leave it running."""
    stage, script = stage_of(request), Script()
    yield Scene(stage, stage.start(script.service()), script, "")
    stage.close()


@pytest.fixture
def scene(shared: Scene, request: pytest.FixtureRequest) -> Scene:
    """A test's own key in the shared service."""
    return Scene(shared.stage, shared.process, shared.script, f"default/pumps/{request.node.originalname}")


@pytest.fixture(params=BROKERS)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Topics of the test's own, without a running process."""
    made = stage_of(request)
    yield made
    made.close()
