"""First and last offsets of partitions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # pyright: ignore[reportPrivateImportUsage]  # its documented place
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings


def connected_admin(settings: KafkaSettings) -> AdminClient:
    """
    Make a client for lookups that has met its cluster.

    A request of a new client can get lost while it learns the brokers' names; the client repeats it only after 3 s.

    Raises
    ------
    KafkaException
        The cluster cannot be reached within ten seconds.
    """
    admin = AdminClient(settings.librdkafka())
    admin.list_topics(timeout=10)
    return admin


def end_offsets(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """Last stable offset of each partition, asked in one request."""
    return _offsets(admin, places, OffsetSpec.latest())


def earliest_offsets(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """Offset of the oldest record of each partition that is kept, asked in one request."""
    return _offsets(admin, places, OffsetSpec.earliest())


def _offsets(admin: AdminClient, places: Iterable[Place], spec: Any) -> dict[Place, int]:
    wanted: dict[Any, Any] = {TopicPartition(topic, partition): spec for topic, partition in places}
    if not wanted:
        return {}
    answers = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=10)
    return {(tp.topic, tp.partition): answer.result().offset for tp, answer in answers.items()}
