"""Ticks among the heartbeats, by which silent devices are judged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from edgeloop_contracts import FleetTick, topics
from edgeloop_errors import RetryableError
from edgeloop_kafka.publisher import Publisher


class Ticks:
    """Writes a tick every few seconds, from a thread and a producer of its own.

    The time of a tick is that of the broker. Several processes may write ticks: they say the same. While the broker is away no tick
    is written, and so nobody is judged; a tick that could not be sent is not sent later, since it would say nothing new.

    Parameters
    ----------
    publisher
        Makes the producer; called in the thread.
    every_s
        Seconds between ticks.
    log
        Told of ticks that could not be written.
    """

    def __init__(self, publisher: Callable[[], Publisher], every_s: float, log: Any) -> None:
        self._publisher = publisher
        self._every_s = every_s
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticks", daemon=True)

    def start(self) -> None:
        """Begin; harmless when repeated."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()

    def _run(self) -> None:
        publisher = self._publisher()
        event = FleetTick(source="fleet")
        key = topics.FLEET_HEARTBEATS.key_of(event)
        while not self._stop.wait(self._every_s):
            try:
                publisher.publish(topics.FLEET_HEARTBEATS, key, event)
            except RetryableError as error:  # the schema registry is away
                self._log.warning("no tick", error=str(error))
                continue
            publisher.flush(self._every_s)
            for failure in publisher.failures():
                self._log.warning("no tick", error=failure)
