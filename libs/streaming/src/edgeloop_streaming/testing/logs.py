"""One partition's records with their offsets."""

from __future__ import annotations

from bisect import bisect_left

from edgeloop_kafka.consumer_message import ConsumerMessage

Entry = tuple[int, ConsumerMessage]


class PartitionLog:
    """Records by offset. Offsets may be missing: markers of transactions take one each, and compaction and retention delete.

    Attributes
    ----------
    start
        First offset that retention has left.
    end
        Offset of what is written next.
    """

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self._entries: list[Entry] = []

    def append(self, number: int, message: ConsumerMessage) -> None:
        """Write a record, the ``number``-th of the whole broker."""
        offset = message.offset()
        if offset < self.end:
            raise ValueError(f"{message.topic()}/{message.partition()} ends at {self.end}, {offset} is taken")
        self._entries.append((number, message))
        self.end = offset + 1

    def mark(self) -> None:
        """Write the marker that ends a transaction."""
        self.end += 1

    def since(self, offset: int) -> list[Entry]:
        """Records from ``offset`` on."""
        return self._entries[self._index(offset) :]

    def at(self, offset: int) -> ConsumerMessage:
        """The record at ``offset``."""
        index = self._index(offset)
        if index == len(self._entries) or self._entries[index][1].offset() != offset:
            raise LookupError(f"no record at offset {offset}")
        return self._entries[index][1]

    def compact(self) -> None:
        """Keep the newest record of each key, and no tombstone."""
        newest = {message.key(): entry for entry in self._entries for message in (entry[1],)}
        self._entries = sorted((entry for entry in newest.values() if entry[1].value() is not None), key=number_of)

    def delete_before(self, offset: int) -> None:
        """Delete the records before ``offset``, as retention does."""
        self._entries = self.since(offset)
        self.start = max(self.start, offset)

    def _index(self, offset: int) -> int:
        return bisect_left(self._entries, offset, key=lambda entry: entry[1].offset())


def number_of(entry: Entry) -> int:
    """Sort key of entries of several partitions: the order in which they were written."""
    return entry[0]
