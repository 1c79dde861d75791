"""The newest record of each key of a topic."""

from __future__ import annotations

from typing import Any

from edgeloop_kafka.received_record import Received

from edgeloop_readers.follower import Follower


class Table:
    """The newest record of each key of a topic.

    Parameters
    ----------
    follower
        Follows the one topic of the table.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._records: dict[str, Received[Any]] = {}

    def refresh(self) -> None:
        """Read everything that is committed by now."""
        self._follower.refresh(self._store)

    def close(self) -> None:
        """Close the connection."""
        self._follower.close()

    def poll(self) -> None:
        """Read the records that have arrived, without a request to the broker and without waiting."""
        for record in self._follower.poll(0):
            self._store(record)

    def get(self, key: str) -> Received[Any] | None:
        """Newest record of a key as of the last :meth:`refresh` or :meth:`poll`."""
        return self._records.get(key)

    def items(self) -> list[tuple[str, Received[Any]]]:
        """Newest records as of the last :meth:`refresh`, by key."""
        return sorted(self._records.items())

    def _store(self, record: Received[Any]) -> None:
        self._records[record.key] = record
