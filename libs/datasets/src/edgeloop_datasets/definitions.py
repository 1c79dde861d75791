"""Stream definitions, by stream."""

from __future__ import annotations

from typing import Any, Protocol

from edgeloop_contracts import StreamDefinition
from edgeloop_kafka.received_record import Received


class DefinitionTable(Protocol):
    """The part of :class:`edgeloop_readers.Table` on ``streams`` that is used here."""

    def refresh(self) -> None:
        """Read what has been committed until now."""
        ...

    def get(self, key: str) -> Received[Any] | None:
        """Newest record of a key."""
        ...


class StreamDefinitions:
    """Newest definitions of streams.

    Parameters
    ----------
    table
        Of ``streams``.
    """

    def __init__(self, table: DefinitionTable) -> None:
        self._table = table

    def get(self, key: str) -> StreamDefinition | None:
        """The newest definition of a stream, ``tenant/stream``, committed until now; it may lack classes that labels name."""
        self._table.refresh()
        record = self._table.get(key)
        return record.event if record is not None else None
