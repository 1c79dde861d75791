"""The reader of offset ranges that data sets need."""

from __future__ import annotations

from typing import Any, Protocol

from edgeloop_contracts import Topic
from edgeloop_kafka.received_record import Received

READ_S = 30.0


class Reader(Protocol):
    """The part of :class:`edgeloop_readers.RangeReader` that is used here."""

    def read(self, topic: Topic, partition: int, first: int, end: int, timeout: float = ...) -> list[Received[Any]]:
        """Committed records with ``first <= offset < end``."""
        ...

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record."""
        ...
