"""Work beside serving that never takes serving down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class Background:
    """A thread that runs a job until the process stops. After a failure it runs it again, with growing pauses.

    Parameters
    ----------
    name
        Of the job.
    job
        Returns once ``stopping`` is set.
    failed
        Called on each failure.
    stopping
        Shared by all jobs of a process.
    """

    def __init__(self, name: str, job: Callable[[], None], failed: Callable[[str, Exception], None], stopping: threading.Event) -> None:
        self._name = name
        self._job = job
        self._failed = failed
        self._stopping = stopping
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the end; give back whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._job()
            except Exception as error:  # the device serves on whatever the network, Kafka or the registry do
                self._failed(self._name, error)
                if time.monotonic() - started > 30:
                    pause = FIRST_PAUSE_S
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
