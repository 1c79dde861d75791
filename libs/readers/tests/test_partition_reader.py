"""The end of a partition while brokers change."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_readers import partition_reader
from edgeloop_readers.partition_reader import PartitionReader

PLACE = ("policies", 0)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A reader whose first lookups of ends fail with these codes, and how often it looked."""
    looked: list[Any] = []

    def reader(*codes: int) -> tuple[PartitionReader, list[Any]]:
        left = list(codes)

        def ends(admin: Any, _: Any) -> dict[Any, int]:
            looked.append(admin)
            if left:
                raise KafkaException(KafkaError(left.pop(0)))
            return {PLACE: 7}

        monkeypatch.setattr(partition_reader, "end_offsets", ends)
        monkeypatch.setattr(partition_reader, "connected_admin", lambda settings: AdminClient(settings.librdkafka()))
        return PartitionReader(KafkaSettings(bootstrap="127.0.0.1:1", schema_registry_url="http://127.0.0.1:1")), looked

    return reader


def test_a_leader_that_is_just_changing_is_waited_for_with_a_new_client_each_time(failing: Any) -> None:
    reader, looked = failing(*[KafkaError.NOT_LEADER_FOR_PARTITION] * 3)
    assert reader.ends([PLACE]) == {PLACE: 7}
    assert len({id(admin) for admin in looked}) == len(looked) == 4


def test_another_error_of_a_new_client_is_told_at_once(failing: Any) -> None:
    reader, looked = failing(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException):
        reader.ends([PLACE])
    assert reader.ends([PLACE]) == {PLACE: 7}
    assert len(looked) == 2


def test_a_client_that_works_is_kept(failing: Any) -> None:
    reader, looked = failing()
    for _ in range(3):
        reader.ends([PLACE])
    assert len(looked) == 3
    assert len({id(admin) for admin in looked}) == 1
