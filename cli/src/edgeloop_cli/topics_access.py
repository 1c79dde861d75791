"""Which rights services and the programs around them need, for clusters with authorization."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgeloop_contracts import Topic, topics

# What each service reads; what it writes stands in the topics themselves. A test compares this with the READMEs.
READS: dict[str, tuple[Topic, ...]] = {
    "ingestion": (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.OBSERVATION_NAMED_RAW, topics.LABELS_RAW, topics.STREAMS),
    "labels": (topics.OBSERVATIONS, topics.LABELS),
    "drift": (topics.OBSERVATIONS, topics.EXAMPLES, topics.DRIFT_PARTIALS, topics.STREAMS, topics.POLICIES),
    "retraining": (topics.DRIFT_PARTIALS, topics.DRIFT_SIGNALS, topics.RETRAINING_COMMANDS, topics.TRAINING_RUNS, topics.POLICIES),
    "trainer": (
        topics.TRAINING_REQUESTS,
        topics.DRIFT_PARTIALS,
        topics.EXAMPLES,
        topics.MODEL_EVENTS,
        topics.MODEL_CHUNKS,
        topics.STREAMS,
        topics.POLICIES,
    ),
    "adapter": (topics.DRIFT_PARTIALS, topics.EXAMPLES, topics.MODEL_EVENTS, topics.MODEL_CHUNKS, topics.STREAMS, topics.POLICIES),
    "registry": (topics.MODEL_CANDIDATES, topics.MODEL_COMMANDS, topics.MODEL_CHUNKS, topics.TRAINING_REQUESTS),
    "rollout": (topics.MODEL_EVENTS, topics.FLEET_REPORTED, topics.ROLLOUT_ASSIGNMENTS),
    "monitoring": (
        topics.OBSERVATIONS,
        topics.DRIFT_PARTIALS,
        topics.DRIFT_SIGNALS,
        topics.TRAINING_RUNS,
        topics.DEVICES_DOUBTED,
        topics.FLEET_REPORTED,
        topics.MODEL_EVENTS,
        topics.ALERTS,
    ),
    "mirror": (topics.TRAINING_RUNS, topics.MODEL_EVENTS, topics.TRAINING_REQUESTS, topics.MODEL_CHUNKS, topics.STREAMS),
    "inference": (topics.ROLLOUT_ASSIGNMENTS, topics.STREAMS, topics.MODEL_CHUNKS, topics.MODEL_ADAPTERS, topics.FLEET_REPORTED),
}

# Topics that anybody may write, and who of ours does: ingestion sends misplaced records on to their device's partition.
WRITES: dict[str, tuple[Topic, ...]] = {
    "ingestion": (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.OBSERVATION_NAMED_RAW, topics.LABELS_RAW),
    "inference": (topics.OBSERVATIONS_RAW,),
}


# Those that read for a group and halt where records are gone: they look for a person's word, and tell the gap.
HALTING = (*topics.STATE_KINDS, "mirror")


def writes(service: str) -> tuple[Topic, ...]:
    """Topics that a service writes."""
    gaps = (topics.GAPS,) if service in HALTING else ()
    return tuple(topic for topic in topics.all_topics() if topic.producer == service) + WRITES.get(service, ()) + gaps


def reads(service: str) -> tuple[Topic, ...]:
    """Topics that a service reads, its own state, what is given back to it and a person's word included."""
    own = (topics.state(service), topics.redrive(service)) if service in topics.STATE_KINDS else ()
    return READS[service] + own + ((topics.SKIPS,) if service in HALTING else ())


def readers(topic: Topic) -> tuple[str, ...]:
    """Services that read a topic."""
    return tuple(service for service in READS if topic in reads(service))


# What programs around the platform do; nobody of ours waits for them.
COMMANDS = (topics.MODEL_COMMANDS, topics.RETRAINING_COMMANDS, topics.POLICIES, topics.SKIPS)
RAW = (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.OBSERVATION_NAMED_RAW, topics.LABELS_RAW)


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights of one user on resources of one kind.

    Attributes
    ----------
    user
        Whose.
    operations
        As Kafka names them.
    resource
        ``topic``, ``group`` or ``transactional-id``.
    names
        Of the resources, prefix included; none of them is empty.
    prefixed
        Whether the names are beginnings of names.
    """

    user: str
    operations: tuple[str, ...]
    resource: str
    names: tuple[str, ...]
    prefixed: bool = False

    def command(self, bootstrap: str) -> str:
        """The command that gives them."""
        words = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--add", "--allow-principal", f"User:{self.user}"]
        words += [word for operation in self.operations for word in ("--operation", operation)]
        words += [word for name in self.names for word in (f"--{self.resource}", name)]
        return shlex.join([*words, *(["--resource-pattern-type", "prefixed"] if self.prefixed else [])])


def grants(prefix: str) -> Iterator[Grant]:
    """The rights of each service, and of the programs around the platform: those that they use, and no more."""

    def on_topics(user: str, operation: str, names: Iterable[Topic]) -> Iterator[Grant]:
        if found := tuple(prefix + topic.name for topic in names):
            yield Grant(user, (operation, "Describe"), "topic", found)

    for service in READS:
        user = name = f"edgeloop-{service}"
        yield from on_topics(user, "Read", reads(service))
        yield from on_topics(user, "Write", writes(service))
        if service in topics.STATE_KINDS:
            yield Grant(user, ("Read",), "group", (prefix + name,))
            yield Grant(user, ("Write", "Describe"), "transactional-id", (f"{prefix}{name}-",), prefixed=True)
        elif service in ("mirror", "monitoring"):  # of the latter, one group for each of its instances
            yield Grant(user, ("Read",), "group", (prefix + name,), prefixed=service == "monitoring")
    yield from on_topics("edgeloop-cli", "Read", topics.all_topics())
    yield from on_topics("edgeloop-cli", "Write", (*COMMANDS, *RAW, *map(topics.redrive, topics.STATE_KINDS)))
    yield Grant("edgeloop-cli", ("Write", "Describe"), "transactional-id", (f"{prefix}edgeloop-turn-",), prefixed=True)
    yield Grant("edgeloop-cli", ("Describe",), "group", (f"{prefix}edgeloop-",), prefixed=True)
    setting_up = ("Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs")
    yield Grant("edgeloop-admin", setting_up, "topic", tuple(prefix + topic.name for topic in topics.all_topics()))
    yield from on_topics("edgeloop-producer", "Write", RAW)
    yield from on_topics("edgeloop-consumer", "Read", topics.FACTS)
    yield Grant("edgeloop-consumer", ("Read",), "group", (f"{prefix}edgeloop-consumer",), prefixed=True)


def acls(prefix: str, bootstrap: str) -> Iterator[str]:
    """Commands that give these rights."""
    return (grant.command(bootstrap) for grant in grants(prefix))
