"""Rights that services and other programs need on clusters with authorization."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgeloop_contracts import Topic, topics
from edgeloop_contracts.service_spec import Runtime
from edgeloop_contracts.services import SERVICES

HALTING = tuple(spec.name for spec in SERVICES.values() if spec.halts)
"""Services that read for a group and halt where records are gone: they look for a skip, and write the gap."""


def writes(service: str) -> tuple[Topic, ...]:
    """Topics that a service writes, its own ones and gaps included."""
    spec = SERVICES[service]
    own = (topics.state(service), topics.dead_letters(service)) if spec.state is not None else ()
    return (*(each.topic for each in spec.writes), *own, *((topics.GAPS,) if spec.halts else ()))


def reads(service: str) -> tuple[Topic, ...]:
    """Topics that a service reads, its own state, redriven records and skips included."""
    spec = SERVICES[service]
    own = (topics.state(service), topics.redrive(service)) if spec.state is not None else ()
    return (*(each.topic for each in spec.reads), *own, *((topics.SKIPS,) if spec.halts else ()))


def readers(topic: Topic) -> tuple[str, ...]:
    """Services that read a topic."""
    return tuple(service for service in SERVICES if topic in reads(service))


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

    for service, spec in SERVICES.items():
        user = name = f"edgeloop-{service}"
        yield from on_topics(user, "Read", reads(service))
        yield from on_topics(user, "Write", writes(service))
        if not spec.device:  # of a view, one group for each of its instances
            yield Grant(user, ("Read",), "group", (prefix + name,), prefixed=spec.runtime is Runtime.VIEW)
        if spec.runtime is Runtime.TRANSACTIONS:
            yield Grant(user, ("Write", "Describe"), "transactional-id", (f"{prefix}{name}-",), prefixed=True)
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
