"""Which rights each service needs, for clusters with authorization."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from edgeloop_contracts import Topic, topics

# What each service reads; what it writes stands in the topics themselves. A test compares this with the READMEs.
READS: dict[str, tuple[Topic, ...]] = {
    "ingestion": (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.OBSERVATION_NAMED_RAW, topics.LABELS_RAW, topics.STREAMS),
    "labels": (topics.OBSERVATIONS, topics.LABELS),
    "drift": (topics.OBSERVATIONS, topics.EXAMPLES, topics.DRIFT_PARTIALS, topics.STREAMS, topics.POLICIES),
    "retraining": (topics.DRIFT_PARTIALS, topics.DRIFT_SIGNALS, topics.RETRAINING_COMMANDS, topics.TRAINING_RUNS, topics.POLICIES),
    "trainer": (topics.TRAINING_REQUESTS, topics.DRIFT_PARTIALS, topics.EXAMPLES, topics.MODEL_EVENTS, topics.STREAMS, topics.POLICIES),
    "adapter": (topics.DRIFT_PARTIALS, topics.EXAMPLES, topics.MODEL_EVENTS, topics.MODEL_CHUNKS, topics.STREAMS, topics.POLICIES),
    "registry": (topics.MODEL_CANDIDATES, topics.MODEL_COMMANDS, topics.MODEL_CHUNKS, topics.TRAINING_REQUESTS),
    "rollout": (topics.MODEL_EVENTS, topics.FLEET_REPORTED, topics.ROLLOUT_ASSIGNMENTS),
    "monitoring": (
        topics.OBSERVATIONS,
        topics.DRIFT_PARTIALS,
        topics.DRIFT_SIGNALS,
        topics.TRAINING_RUNS,
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


def acls(prefix: str, bootstrap: str) -> Iterator[str]:
    """Commands that give each service its rights, and no more, as user ``edgeloop-<service>``."""
    for service in READS:
        head = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--add", "--allow-principal", f"User:edgeloop-{service}"]
        for operation, names in (("Read", reads(service)), ("Write", writes(service))):
            resources = [word for topic in names for word in ("--topic", prefix + topic.name)]
            yield shlex.join([*head, "--operation", operation, "--operation", "Describe", *resources])
        if service in topics.STATE_KINDS:
            name = f"{prefix}edgeloop-{service}"
            yield shlex.join([*head, "--operation", "Read", "--group", name])
            pattern = ["--resource-pattern-type", "prefixed", "--transactional-id", f"{name}-"]
            yield shlex.join([*head, "--operation", "Write", "--operation", "Describe", *pattern])
        elif service == "mirror":
            yield shlex.join([*head, "--operation", "Read", "--group", f"{prefix}edgeloop-{service}"])
        elif service == "monitoring":  # one group for each of its instances
            group = ["--group", f"{prefix}edgeloop-{service}", "--resource-pattern-type", "prefixed"]
            yield shlex.join([*head, "--operation", "Read", *group])
