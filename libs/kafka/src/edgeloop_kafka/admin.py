"""Topics as they are on a cluster: read, made, changed. Nothing here runs by itself."""

# pyright: reportPrivateImportUsage=false
# confluent_kafka.admin does not say which names it exports.

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from edgeloop_contracts import Topic
from edgeloop_errors import FatalError

from edgeloop_kafka.reachability import Reasons
from edgeloop_kafka.settings import KafkaSettings

SHOWN_AFTER = 0.05  # seconds between looks at whether a change shows


class AdminError(FatalError):
    """The cluster did not answer, or said no."""


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
    timeout
        Seconds to wait for an answer.

    Raises
    ------
    AdminError
        From every method.
    """

    def __init__(self, settings: KafkaSettings, timeout: float = 30.0) -> None:
        self._prefix = settings.topic_prefix
        self._timeout = timeout
        self._reasons = Reasons(settings)
        configuration: dict[str, Any] = {**settings.librdkafka(), "error_cb": self._reasons.note}
        try:
            self._client = AdminClient(configuration)
        except KafkaException as error:
            raise AdminError(self._reasons.describe(error.args[0])) from error

    def existing(self, topics: Iterable[Topic]) -> dict[str, Any]:
        """Metadata of those of ``topics`` that exist and whose partitions all have a leader, by name."""
        found = self._found(topics)
        return {name: metadata for name, metadata in found.items() if all(p.leader >= 0 for p in metadata.partitions.values())}

    def partitions(self, topic: Topic) -> int:
        """Number of partitions of ``topic``, whether or not they have a leader now.

        Raises
        ------
        LookupError
            The topic does not exist.
        """
        found = self._found([topic])
        if not found:
            raise LookupError(f"the topic {self._prefix}{topic.name} does not exist: run `edgeloop topics --apply`")
        return len(found[topic.name].partitions)

    def describe(self, topics: Iterable[Topic]) -> dict[str, TopicFound]:
        """Those of ``topics`` that exist, by name."""
        found = self.existing(topics)
        if not found:
            return {}
        configs = self._configs(found)
        return {
            name: TopicFound(
                partitions=len(metadata.partitions),
                replication=min((len(p.replicas) for p in metadata.partitions.values()), default=0),
                config=configs[name],
            )
            for name, metadata in found.items()
        }

    def create(self, wanted: Iterable[TopicWanted]) -> None:
        """Make topics; one that somebody else makes at the same time is no error."""
        new = [
            NewTopic(
                self._prefix + one.topic.name, num_partitions=one.partitions, replication_factor=one.replication, config=dict(one.config)
            )
            for one in wanted
        ]
        if not new:
            return
        for answer in self._client.create_topics(new, operation_timeout=self._timeout, request_timeout=self._timeout).values():
            with self._asking(KafkaError.TOPIC_ALREADY_EXISTS):
                answer.result()

    def alter(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Set settings of topics that exist: by topic name, what to set. Settings not named stay.

        Returns once the change is visible: a broker confirms a change before it has applied it.
        """
        changes = {name: config for name, config in changes.items() if config}
        if not changes:
            return
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                self._prefix + name,
                incremental_configs=[ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in config.items()],
            )
            for name, config in changes.items()
        ]
        with self._asking():
            for answer in self._client.incremental_alter_configs(resources, request_timeout=self._timeout).values():
                answer.result()
        deadline = time.monotonic() + self._timeout
        while not _within(changes, self._configs(changes)):
            if time.monotonic() > deadline:
                raise AdminError(f"settings of {', '.join(changes)} were accepted, but do not show after {self._timeout:g} s")
            time.sleep(SHOWN_AFTER)

    def _configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        with self._asking():
            resources = [ConfigResource(ResourceType.TOPIC, self._prefix + name) for name in names]
            answers = self._client.describe_configs(resources, request_timeout=self._timeout)
            return {
                str(resource.name).removeprefix(self._prefix): {name: str(entry.value) for name, entry in answer.result().items()}
                for resource, answer in answers.items()
            }

    def _found(self, topics: Iterable[Topic]) -> dict[str, Any]:
        with self._asking():
            there = self._client.list_topics(timeout=self._timeout).topics
        return {topic.name: there[self._prefix + topic.name] for topic in topics if self._prefix + topic.name in there}

    @contextmanager
    def _asking(self, harmless: int | None = None) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            if error.args[0].code() != harmless:
                self._client.poll(0)
                raise AdminError(self._reasons.describe(error.args[0])) from error


def _within(wanted: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]) -> bool:
    return all(found[name].items() >= config.items() for name, config in wanted.items())


def topic_config(topic: Topic, min_insync: int) -> dict[str, str]:
    """Settings that ``topic`` shall have on the broker."""
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        # Of a compacted topic the newest record of a key stays for ever, and age does not matter.
        "retention.ms": "-1" if topic.compacted else str(topic.retention_ms),
        # Twice the reader's limit, so that a slightly too large record becomes a dead letter with its reason.
        "max.message.bytes": str(2 * topic.max_bytes),
        "message.timestamp.type": "LogAppendTime" if topic.log_append_time else "CreateTime",
        "min.insync.replicas": str(min_insync),
        **topic.config,
    }
