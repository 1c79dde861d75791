"""The newest record of each key of a compacted topic, events or not."""

from __future__ import annotations

import hashlib
import time

from confluent_kafka import OFFSET_BEGINNING
from edgeloop_contracts import Event, Topic
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage

from edgeloop_readers.partition_reader import PartitionReader

VISIBLE_S = 60.0
"""Seconds until a committed record must be visible. Kafka confirms a commit before its markers are in the partitions."""


class LatestRecords:
    """Digest of the newest record of each key, for a writer that checks whether its records are still the newest.

    Parameters
    ----------
    reader
        Reader of this topic alone.
    codec, prefix
        As of the process.
    topic
        Which.

    Raises
    ------
    LookupError
        The topic does not exist.
    """

    def __init__(self, reader: PartitionReader, codec: Codec, prefix: str, topic: Topic) -> None:
        self._reader = reader
        self._codec = codec
        self._topic = topic
        name = prefix + topic.name
        self._places = [(name, partition) for partition in reader.partitions_of(name)]
        self._newest: dict[str, bytes] = {}
        self._written: dict[str, tuple[bytes, float]] = {}
        reader.assign(dict.fromkeys(self._places, OFFSET_BEGINNING))

    def refresh(self) -> None:
        """Take in everything that has been committed until now."""
        self._reader.read_until(self._reader.ends(self._places), self._read)

    def note_written(self, key: str, event: Event) -> None:
        """Note an event that this process writes: it counts as the newest record until it is read."""
        self._written[key] = (self._digest_of(event), time.monotonic() + VISIBLE_S)

    def forget_unread(self) -> None:
        """Forget the events of :meth:`note_written` that have not been read, because their transaction was aborted."""
        self._written.clear()

    def holds(self, key: str, event: Event) -> bool:
        """Whether this very event is the newest record of a key, as of the last :meth:`refresh` and :meth:`note_written`.

        Another event, a tombstone or bytes that are no event replace it, because compaction leaves only the newest record.
        """
        digest = self._digest_of(event)
        written, until = self._written.get(key, (b"", 0.0))
        return digest == self._newest.get(key) or (digest == written and time.monotonic() < until)

    def _read(self, message: ConsumerMessage) -> None:
        key, value = (message.key() or b"").decode("utf-8", "replace"), message.value()
        if value is None:
            self._newest.pop(key, None)
        else:
            self._newest[key] = digest = _digest(value)
            if self._written.get(key, (b"",))[0] == digest:
                del self._written[key]

    def _digest_of(self, event: Event) -> bytes:
        return _digest(self._codec.encode(self._topic, event))


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
