"""A reader that shares no code with the loop it checks: a plain consumer, the registry's schemas, plain fastavro.

What it reads is what any other client of the cluster would read.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
import httpx
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from edgeloop_kafka.settings import KafkaSettings

_HEAD = 5  # a zero byte and the schema's id


@dataclass(frozen=True, slots=True)
class Record:
    """One committed record.

    Attributes
    ----------
    topic, partition, offset, key
        Where it lies; the topic with the settings' prefix.
    fields
        What it says, as Avro gives it.
    """

    topic: str
    partition: int
    offset: int
    key: str
    fields: dict[str, Any]


def committed_records(
    settings: KafkaSettings, topics: Iterable[str], starts: Mapping[tuple[str, int], int], head: str, timeout: float = 60.0
) -> Iterator[Record]:
    """Every committed record of some topics from ``starts`` up to now, of keys that begin with ``head``.

    Parameters
    ----------
    topics
        Names without the settings' prefix.
    starts
        First offset by topic and partition; partitions that are not named are read from their beginning.

    Raises
    ------
    TimeoutError
        The ends were not reached in time.
    KafkaException
        The cluster cannot be read, or records from ``starts`` on are gone.
    """
    consumer = Consumer(
        {
            **settings.librdkafka(),
            "group.id": f"{settings.topic_prefix}audit",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    schemas: dict[int, Any] = {}
    try:
        open_places = _assign(consumer, settings.topic_prefix, topics, starts)
        deadline = time.monotonic() + timeout
        while open_places:
            for message in consumer.consume(500, 0.1):
                error = message.error()
                if error is None:
                    if record := _record(message, head, settings.schema_registry_url, schemas):
                        yield record
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_places.discard((message.topic(), message.partition()))
                elif not error.retriable() and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # the group is none
                    raise KafkaException(error)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the ends of {sorted(open_places)} were not reached within {timeout:.0f} s")
    finally:
        consumer.close()


def _assign(consumer: Consumer, prefix: str, names: Iterable[str], starts: Mapping[tuple[str, int], int]) -> set[tuple[str, int]]:
    places = {(name, p) for name in names for p in consumer.list_topics(prefix + name, timeout=10).topics[prefix + name].partitions}
    consumer.assign([TopicPartition(prefix + name, p, starts.get((name, p), OFFSET_BEGINNING)) for name, p in sorted(places)])
    return {(prefix + name, p) for name, p in places}


def _record(message: Any, head: str, registry_url: str, schemas: dict[int, Any]) -> Record | None:
    key = (message.key() or b"").decode("utf-8", "replace")
    value = message.value()
    if value is None or not key.startswith(head):
        return None
    schema_id = int.from_bytes(value[1:_HEAD], "big")
    if schema_id not in schemas:
        answer = httpx.get(f"{registry_url.rstrip('/')}/schemas/ids/{schema_id}", timeout=10.0).raise_for_status()
        schemas[schema_id] = fastavro.parse_schema(json.loads(answer.json()["schema"]))
    fields: Any = fastavro.schemaless_reader(io.BytesIO(value[_HEAD:]), schemas[schema_id], None)
    return Record(message.topic(), message.partition(), message.offset(), key, fields)
