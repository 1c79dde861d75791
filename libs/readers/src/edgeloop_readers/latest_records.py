"""The newest record of each key of a compacted topic, events or not."""

from __future__ import annotations

import hashlib

from confluent_kafka import OFFSET_BEGINNING
from edgeloop_contracts import Event, Topic
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage

from edgeloop_readers.partition_reader import PartitionReader


class Standing:
    """The newest record of each key, of which a digest is kept: for who wrote a topic and sees whether that still stands.

    Parameters
    ----------
    reader
        Reads the topic, and nothing else.
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
        reader.assign(dict.fromkeys(self._places, OFFSET_BEGINNING))

    def refresh(self) -> None:
        """Take in everything that has been committed until now."""
        self._reader.read_until(self._reader.ends(self._places), self._take)

    def holds(self, key: str, event: Event) -> bool:
        """Whether this very event is the newest record of a key, as of the last :meth:`refresh`.

        Another event, a tombstone and bytes that are none all stand in its way: compaction leaves only the newest.
        """
        return self._newest.get(key) == _digest(self._codec.encode(self._topic, event))

    def _take(self, message: ConsumerMessage) -> None:
        key, value = (message.key() or b"").decode("utf-8", "replace"), message.value()
        if value is None:
            self._newest.pop(key, None)
        else:
            self._newest[key] = _digest(value)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
