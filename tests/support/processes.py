"""Environment of processes under test, and waiting for them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeloop_contracts.service_spec import Files
from edgeloop_contracts.services import SERVICES
from edgeloop_kafka import KafkaSettings

TESTS = Path(__file__).parents[1]


def environment(settings: KafkaSettings, service: str = "", files: Path | None = None, **more: str) -> dict[str, str]:
    """Variables of a process: those of this one, the cluster, and the files of a service.

    Parameters
    ----------
    settings
        Cluster and prefix.
    service
        Service whose files are added; none if empty.
    files
        Folder of all files of the service: keys and trust lie in it, data in ``data``.
    more
        Further variables, which take precedence.
    """
    named = SERVICES[service].environment(Files(data=files / "data", keys=files, trust=files)) if service and files else {}
    return {**os.environ, **settings.environment(), "PYTHONPATH": str(TESTS), **named, **more}


def eventually(condition: Callable[[], Any], seconds: float = 150.0, what: str = "it", pause: float = 0.02) -> Any:
    """Wait until something is true; give it back, or fail."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds:.0f} s"
        time.sleep(pause)
    return found
