"""A small service under a real name: forwards observations and counts them by device in its state.

Run as a process (``python -m support.toy``) to be killed and frozen; its task alone serves in-process tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from edgeloop_contracts import SeenRows, topics
from edgeloop_kafka import KafkaSettings, Received
from edgeloop_streaming import Context, Send, Service, State, run


class Counting:
    """Forwards each observation with the count of its device's rows so far in ``first_seq``'s place left alone."""

    def __init__(self, _: int, state: State) -> None:
        self._state = state

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Forward and count."""
        seen = self._state.get(SeenRows, received.key) or SeenRows(device_id=received.key, ends=(0,))
        self._state.put(received.key, SeenRows(device_id=received.key, ends=(seen.ends[0] + 1,)))
        yield Send(topics.OBSERVATIONS, received.key, received.event)

    def flush(self) -> Iterable[Send]:
        """Nothing is left to flush."""
        return ()


SERVICE = Service(name="ingestion", inputs=(topics.OBSERVATIONS_RAW,), task=Counting)


def main() -> int:
    """Entry point."""
    return run(lambda: SERVICE, Context(KafkaSettings(), "ingestion"))


if __name__ == "__main__":
    sys.exit(main())
