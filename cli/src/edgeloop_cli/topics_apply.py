"""Survey of a cluster and a schema registry, and application of a plan."""

from __future__ import annotations

import time
from collections.abc import Iterator

from edgeloop_contracts import Topic, topics
from edgeloop_contracts.registered import TEXTS
from edgeloop_errors import FatalError
from edgeloop_kafka import KafkaSettings, SchemaRegistry, UnknownSchemaError
from edgeloop_kafka.admin import Admin
from edgeloop_kafka.earlier_release import refuse_earlier_release

from edgeloop_cli.topics_plan import COMPATIBILITY, DEFAULT_PARTITIONS, Plan, Sizes, Status, SubjectPlan, plan_topics

VISIBLE_S = 15.0
READ_WRITE, READ_ONLY = "READWRITE", "READONLY"
REGISTRY_ATTEMPTS = 4  # one that has just started, on a busy machine, may take longer than a request waits


class CannotApplyError(FatalError):
    """Something stands in the way; nothing was changed."""


def apply_topics(
    settings: KafkaSettings, partitions: int | None = DEFAULT_PARTITIONS, replication: int = 1, min_insync: int | None = None
) -> Plan:
    """Create what is missing, set what differs, register the schemas; a second time changes nothing.

    Parameters
    ----------
    settings
        Which cluster, and what heads the names of topics.
    partitions, replication, min_insync
        As in :class:`Sizes`.

    Returns
    -------
    Plan
        What was found before.

    Raises
    ------
    CannotApplyError
        Topics exist with another number of partitions.
    EarlierReleaseError
        The cluster holds records of release 0.1.
    RegistryRefusedError
        A schema is not compatible with what the registry holds.
    RegistryUnavailableError, AdminError
        No answer.
    """
    sizes = Sizes(partitions=partitions, replication=replication, min_insync=min_insync)
    with SchemaRegistry(settings.schema_registry_url, attempts=REGISTRY_ATTEMPTS) as registry:
        admin = Admin(settings)
        plan = survey(admin, registry, settings.topic_prefix, sizes)
        carry_out(plan, admin, registry)
    return plan


def survey(admin: Admin, registry: SchemaRegistry, prefix: str, sizes: Sizes | None = None) -> Plan:
    """State of everything; changes nothing.

    Raises
    ------
    EarlierReleaseError
        The cluster holds records of release 0.1.
    """
    refuse_earlier_release(registry, prefix)
    return Plan(plan_topics(admin.describe(topics.all_topics()), sizes or Sizes()), tuple(survey_subjects(registry, prefix)))


def survey_subjects(registry: SchemaRegistry, prefix: str) -> Iterator[SubjectPlan]:
    """State of every subject."""
    for topic in topics.all_topics():
        for kind in topic.kinds:
            subject = prefix + topic.subject(kind)
            try:
                schema_id = registry.lookup(subject, TEXTS[kind.FULLNAME])
            except UnknownSchemaError:
                yield SubjectPlan(topic, kind, subject, known=_exists(registry, subject), level=registry.compatibility(subject))
            else:
                yield SubjectPlan(topic, kind, subject, known=True, id=schema_id, level=registry.compatibility(subject))


def _exists(registry: SchemaRegistry, subject: str) -> bool:
    try:
        registry.latest(subject)
    except UnknownSchemaError:
        return False
    return True


def carry_out(plan: Plan, admin: Admin, registry: SchemaRegistry) -> None:
    """Do what a plan says.

    Raises
    ------
    CannotApplyError
        See :func:`apply_topics`.
    """
    if plan.wrong_partitions:
        told = "; ".join(f"{topic.name} has {one.found} partitions, {one.wanted} wanted" for topic, one in plan.wrong_partitions)
        raise CannotApplyError(f"the number of partitions is fixed when a topic is made, since it decides where a key lies: {told}")
    missing = [one.wanted for one in plan.topics if one.status is Status.MISSING]
    admin.create(missing)
    admin.alter({one.wanted.topic.name: one.changes for one in plan.topics if one.changes})
    _wait_for([one.topic for one in missing], admin)
    changed = [one for one in plan.subjects if one.status is not Status.OK]
    # Where the registry knows modes, subjects are read-only for everybody between two runs of this.
    closes = bool(plan.subjects) and registry.set_mode((changed or plan.subjects)[0].subject, READ_WRITE)
    for subject in changed:
        if closes:
            registry.set_mode(subject.subject, READ_WRITE)
        _register(subject, registry)
    for subject in plan.subjects if closes else ():
        registry.set_mode(subject.subject, READ_ONLY)


def _register(plan: SubjectPlan, registry: SchemaRegistry) -> None:
    # The rule stands before the schema comes, where there is something to be compatible with; a registry may know no
    # rule for a subject that does not exist.
    if plan.known:
        registry.set_compatibility(plan.subject, COMPATIBILITY)
        registry.register(plan.subject, TEXTS[plan.kind.FULLNAME])
    else:
        registry.register(plan.subject, TEXTS[plan.kind.FULLNAME])
        registry.set_compatibility(plan.subject, COMPATIBILITY)


def _wait_for(made: list[Topic], admin: Admin) -> None:
    """A broker hears of a new topic a moment after the controller has made it."""
    deadline = time.monotonic() + VISIBLE_S
    while made and len(admin.existing(made)) < len(made):
        if time.monotonic() > deadline:
            raise CannotApplyError(f"topics that were made did not appear within {VISIBLE_S:.0f} s")
        time.sleep(0.05)
