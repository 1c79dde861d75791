"""Topics as they are on a cluster: read, made, changed. Nothing here runs by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from edgeloop_contracts import Topic

from edgeloop_streaming.settings import KafkaSettings

TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class TopicFound:
    """A topic on the cluster.

    Attributes
    ----------
    partitions, replication
        Counts; the smallest replication where partitions differ.
    config
        Effective value of every topic setting, defaults of the broker included.
    """

    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicWanted:
    """A topic to be made.

    Attributes
    ----------
    topic
        Whose name is headed with the settings' prefix.
    partitions, replication, config
        As it shall be.
    """

    topic: Topic
    partitions: int
    replication: int
    config: Mapping[str, str]


class Admin:
    """Reads and changes topics. Names are without the settings' prefix here, as everywhere.

    Parameters
    ----------
    settings
        Where the cluster is.

    Raises
    ------
    confluent_kafka.KafkaException
        From every method, when the cluster does not answer or says no.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._prefix = settings.topic_prefix
        self._client = AdminClient(settings.librdkafka())

    def describe(self, topics: Iterable[Topic]) -> dict[str, TopicFound]:
        """Those of ``topics`` that exist, by name."""
        there = self._client.list_topics(timeout=TIMEOUT).topics
        found = {topic.name: there[self._prefix + topic.name] for topic in topics if self._prefix + topic.name in there}
        if not found:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, self._prefix + name) for name in found]
        answers = self._client.describe_configs(resources, request_timeout=TIMEOUT)
        configs = {
            str(resource.name): {name: str(entry.value) for name, entry in answer.result().items()} for resource, answer in answers.items()
        }
        return {
            name: TopicFound(
                partitions=len(metadata.partitions),
                replication=min((len(p.replicas) for p in metadata.partitions.values()), default=0),
                config=configs[self._prefix + name],
            )
            for name, metadata in found.items()
        }

    def partitions(self, topic: Topic) -> int:
        """Number of partitions of ``topic``; 0 if it does not exist."""
        there = self._client.list_topics(timeout=TIMEOUT).topics
        metadata = there.get(self._prefix + topic.name)
        return len(metadata.partitions) if metadata else 0

    def create(self, wanted: Iterable[TopicWanted]) -> None:
        """Make topics that do not exist."""
        new = [
            NewTopic(self._prefix + one.topic.name, num_partitions=one.partitions, replication_factor=one.replication, config=dict(one.config))
            for one in wanted
        ]
        if new:
            _wait(self._client.create_topics(new, operation_timeout=TIMEOUT, request_timeout=TIMEOUT))

    def alter(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Set settings of topics that exist: by topic name, what to set. Settings not named stay."""
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                self._prefix + name,
                incremental_configs=[ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in config.items()],
            )
            for name, config in changes.items()
            if config
        ]
        if resources:
            _wait(self._client.incremental_alter_configs(resources, request_timeout=TIMEOUT))


def topic_config(topic: Topic, min_insync: int) -> dict[str, str]:
    """Settings that ``topic`` shall have on the broker."""
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        # Of a compacted topic the newest record of a key stays for ever, and age does not matter.
        "retention.ms": "-1" if topic.compacted else str(topic.retention_ms),
        "max.message.bytes": str(topic.max_bytes + RECORD_OVERHEAD),
        "message.timestamp.type": "LogAppendTime" if topic.log_append_time else "CreateTime",
        "min.insync.replicas": str(min_insync),
        **topic.config,
    }


RECORD_OVERHEAD = 64 << 10
"""What the frame of a batch, the key and the headers of a record may take besides its value, bytes."""


def _wait(answers: Mapping[Any, Any]) -> None:
    for answer in answers.values():
        answer.result()
