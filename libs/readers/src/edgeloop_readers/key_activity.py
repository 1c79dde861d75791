"""Recent writers of a topic, by keys alone."""

from __future__ import annotations

from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec  # pyright: ignore[reportPrivateImportUsage]  # its documented place
from edgeloop_contracts import Topic
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.offsets import connected_admin, end_offsets
from edgeloop_readers.partition_reader import PartitionReader


def last_written(settings: KafkaSettings, topic: Topic, since: int) -> dict[str, int]:
    """Milliseconds of each key's last record, without keys that have no record since then.

    Parameters
    ----------
    since
        Milliseconds since 1970.

    Raises
    ------
    LookupError
        The topic does not exist.
    """
    found: dict[str, int] = {}

    def note(message: ConsumerMessage) -> None:
        key = (message.key() or b"").decode("utf-8", "replace")
        found[key] = max(found.get(key, 0), message.timestamp()[1])

    reader = PartitionReader(settings)
    try:
        name = settings.topic_prefix + topic.name
        places: list[Place] = [(name, partition) for partition in reader.partitions_of(name)]
        admin = connected_admin(settings)
        ends = end_offsets(admin, places)
        wanted: Any = {TopicPartition(*place): OffsetSpec.for_timestamp(since) for place in places}
        answers = admin.list_offsets(wanted, request_timeout=10)
        # Without a record since then the answer is -1.
        starts = {(tp.topic, tp.partition): offset for tp, answer in answers.items() if (offset := answer.result().offset) >= 0}
        if starts:
            reader.assign(starts)
            reader.read_until({place: ends[place] for place, start in starts.items() if ends[place] > start}, note)
    finally:
        reader.close()
    return found
