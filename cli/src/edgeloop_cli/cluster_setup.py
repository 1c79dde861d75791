"""Creation of topics, schemas and keys before services start."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from edgeloop_contracts import topics
from edgeloop_contracts.services import SERVICES
from edgeloop_kafka import SchemaRegistry
from edgeloop_kafka.admin import Admin
from edgeloop_kafka.earlier_release import refuse_earlier_release
from edgeloop_kafka.schema_lookup import RegistryRefusedError, RegistryUnavailableError
from edgeloop_signing.keys import Role, generate_keys

from edgeloop_cli.connection import Cluster
from edgeloop_cli.topics_apply import REGISTRY_ATTEMPTS, carry_out, survey
from edgeloop_cli.topics_plan import Sizes, Status, fitted, plan_topics


def create_topics(cluster: Cluster) -> None:
    """Make the topics that are missing; a service needs them to start, and the schemas only to work.

    Raises
    ------
    EarlierReleaseError
        The cluster holds records of release 0.1.
    """
    settings = cluster.settings()
    with (
        suppress(RegistryRefusedError, RegistryUnavailableError),
        SchemaRegistry(settings.schema_registry_url) as registry,
    ):  # one that starts answers later
        refuse_earlier_release(registry, settings.topic_prefix)
    admin = Admin(settings)
    found = admin.describe(topics.all_topics())
    plan = plan_topics(found, fitted(Sizes(), found))
    admin.create([one.wanted for one in plan if one.status is Status.MISSING])


def apply_all(cluster: Cluster) -> None:
    """Register the schemas, and set what differs in topics that were there before.

    Raises
    ------
    CannotApplyError
        Topics exist with another number of partitions.
    """
    settings = cluster.settings()
    with SchemaRegistry(settings.schema_registry_url, attempts=REGISTRY_ATTEMPTS) as registry:
        admin = Admin(settings)
        carry_out(survey(admin, registry, settings.topic_prefix, Sizes()), admin, registry)


def make_keys(data_dir: Path) -> None:
    """Make a pair of keys for each service that signs; a pair that is there stays."""
    for spec in SERVICES.values():
        if spec.signs:
            generate_keys(data_dir / "keys", Role(spec.name))
