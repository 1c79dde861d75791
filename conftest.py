"""Fixtures that every package's tests may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts an absolute time, and a busy machine takes its own.
settings.register_profile("edgeloop", deadline=None)
settings.load_profile("edgeloop")
# As the services are run: more threads than cores that are free spin, and a fit of a second takes half a minute.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent / "tests"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A real Kafka and schema registry, started once."""
    from support.broker import cluster as start

    with start(tmp_path_factory.mktemp("cluster")) as running:
        yield running
