"""One platform for all clients, with the stream ``boiler`` that the examples send to."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from support.platform import ROOT, RunningPlatform, platform, ran


@pytest.fixture(scope="session")
def boiler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """The platform; the stream is defined by the example in Python."""
    with platform(tmp_path_factory.mktemp("platform"), "--devices", "1") as running:
        script = ROOT / "examples" / "produce.py"
        addresses = ["--bootstrap", running.bootstrap, "--registry", running.registry]
        told = ran([sys.executable, script, *addresses, "--rows", "20", "--device", "boiler-python"], running.folder)
        assert "20 of 20 came back as examples" in told
        yield running
