"""Current stream definitions of the topic ``streams``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from edgeloop_admission import Rules
from edgeloop_contracts import StreamDefinition
from edgeloop_kafka import Received


class Newest(Protocol):
    """The methods of a table that ingestion needs."""

    def refresh(self) -> None:
        """Read to the topic's end."""
        ...

    def get(self, key: str, /) -> Received[Any] | None:
        """Newest record of a key."""
        ...


class StreamRules:
    """Rules of a stream by its key ``tenant/stream``.

    Parameters
    ----------
    table
        The topic ``streams`` as a table.
    max_age
        Seconds after which the table is read again for a known stream. For an unknown stream it is read each time.
    clock
        Monotonic clock, seconds.
    """

    def __init__(self, table: Newest, max_age: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._max_age = max_age
        self._clock = clock
        self._read_at = float("-inf")
        self._made: dict[str, Rules] = {}

    def __call__(self, key: str) -> Rules | None:
        """Rules of the stream, or ``None`` if it has no definition."""
        found = self._table.get(key)
        if found is None or self._clock() - self._read_at > self._max_age:
            self._table.refresh()
            self._read_at = self._clock()
            found = self._table.get(key)
        definition = found.event if found else None
        if not isinstance(definition, StreamDefinition):
            return None
        made = self._made.get(key)
        if made is None or made.definition is not definition:
            made = self._made[key] = Rules.of(definition)
        return made
