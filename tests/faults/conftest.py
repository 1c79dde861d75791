"""A broker of our own, to be frozen and killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from edgeloop_local import LocalStack
from support.broker import Cluster


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Embedded, since a container's process cannot be stopped from here."""
    with LocalStack(tmp_path_factory.mktemp("faults"), ready_timeout=300) as running:
        yield running


@pytest.fixture(scope="session")
def own(stack: LocalStack) -> Cluster:
    """Its addresses."""
    return Cluster(stack.bootstrap, stack.registry_url, "embedded")
