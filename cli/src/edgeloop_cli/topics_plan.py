"""Plan for topics and subjects: declared state, actual state, difference. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from edgeloop_contracts import Event, Partitions, Topic, topics
from edgeloop_kafka.admin import TopicFound, TopicWanted, topic_config

COMPATIBILITY = "FULL_TRANSITIVE"
PARTITIONS = "partitions"
REPLICATION = "replication"
DEFAULT_PARTITIONS = 4


class Status(StrEnum):
    """State of an item on the cluster."""

    MISSING = "missing"
    DIFFERS = "differs"
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Choices of a cluster's owner.

    Attributes
    ----------
    partitions
        Of every topic that has many. Fixed once topics are made. ``None``: as many as they have, else 4.
    replication
        Copies of each partition.
    min_insync
        Copies that must have a record before it counts as written; by default one less than there are.
    """

    partitions: int | None = None
    replication: int = 1
    min_insync: int | None = None

    def wanted(self, topic: Topic) -> TopicWanted:
        """The topic as it shall be."""
        count = 1 if topic.partitions is Partitions.ONE else self.partitions or DEFAULT_PARTITIONS
        insync = max(1, self.replication - 1) if self.min_insync is None else self.min_insync
        return TopicWanted(topic, count, self.replication, topic_config(topic, insync))


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting of a topic that is not as it should be.

    Attributes
    ----------
    setting, found, wanted
        What, and its values.
    changeable
        Whether ``topics --apply`` sets it.
    """

    setting: str
    found: str
    wanted: str
    changeable: bool

    def __str__(self) -> str:
        return f"{self.setting} {self.found} → {self.wanted}" + ("" if self.changeable else " (cannot be changed here)")


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic, wanted and found."""

    wanted: TopicWanted
    status: Status
    differences: tuple[Difference, ...] = ()

    @property
    def changes(self) -> dict[str, str]:
        """Settings to be set."""
        return {one.setting: one.wanted for one in self.differences if one.changeable}


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """The schema of one kind of event in one topic.

    Attributes
    ----------
    topic, kind, subject
        Which.
    known
        Whether the subject exists.
    id
        Of the schema; ``None`` if it is not registered.
    level
        Compatibility that is set for the subject; ``None`` if none is.
    """

    topic: Topic
    kind: type[Event]
    subject: str
    known: bool = False
    id: int | None = None
    level: str | None = None

    @property
    def status(self) -> Status:
        """Its state."""
        if self.id is None:
            return Status.MISSING
        return Status.OK if self.level == COMPATIBILITY else Status.DIFFERS


@dataclass(frozen=True, slots=True)
class Plan:
    """All topics and all subjects."""

    topics: tuple[TopicPlan, ...]
    subjects: tuple[SubjectPlan, ...]

    @property
    def changes_something(self) -> bool:
        """Whether applying it would change anything."""
        made = any(one.status is Status.MISSING or one.changes for one in self.topics)
        return made or any(one.status is not Status.OK for one in self.subjects)

    @property
    def stuck(self) -> list[tuple[Topic, Difference]]:
        """Differences that cannot be changed."""
        return [(one.wanted.topic, difference) for one in self.topics for difference in one.differences if not difference.changeable]

    @property
    def wrong_partitions(self) -> list[tuple[Topic, Difference]]:
        """Topics whose number of partitions would send a key to another place than the services expect."""
        return [(topic, difference) for topic, difference in self.stuck if difference.setting == PARTITIONS]


def compare(wanted: TopicWanted, found: TopicFound | None) -> TopicPlan:
    """State of a topic."""
    if found is None:
        return TopicPlan(wanted, Status.MISSING)
    differences = tuple(_differences(wanted, found))
    return TopicPlan(wanted, Status.DIFFERS if differences else Status.OK, differences)


def plan_topics(found: Mapping[str, TopicFound], sizes: Sizes) -> tuple[TopicPlan, ...]:
    """States of all topics, in the order in which they are made."""
    sizes = fitted(sizes, found)
    return tuple(compare(sizes.wanted(topic), found.get(topic.name)) for topic in topics.all_topics())


def fitted(sizes: Sizes, found: Mapping[str, TopicFound]) -> Sizes:
    """Sizes whose number of partitions, if nobody chose it, is that of the topics that exist."""
    return sizes if sizes.partitions is not None else replace(sizes, partitions=usual_partitions(found, DEFAULT_PARTITIONS))


def usual_partitions(found: Mapping[str, TopicFound], default: int = DEFAULT_PARTITIONS) -> int:
    """Partitions that the topics with many have already, so that a new one gets the same; ``default`` where there is none."""
    counts = [found[topic.name].partitions for topic in topics.all_topics() if topic.partitions is Partitions.MANY and topic.name in found]
    return max(sorted(set(counts)), key=counts.count) if counts else default


def _differences(wanted: TopicWanted, found: TopicFound) -> Iterator[Difference]:
    if found.partitions != wanted.partitions:
        yield Difference(PARTITIONS, str(found.partitions), str(wanted.partitions), changeable=False)
    if found.replication != wanted.replication:
        yield Difference(REPLICATION, str(found.replication), str(wanted.replication), changeable=False)
    for setting, value in wanted.config.items():
        given = found.config.get(setting, "")
        if given != value:
            yield Difference(setting, given, value, changeable=True)
