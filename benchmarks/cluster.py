"""The broker of a benchmark: the one that the environment names, else an embedded one."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeloop_cli import connection
from edgeloop_cli.topics_plan import Sizes
from edgeloop_contracts import Topic
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import KafkaSettings, SchemaRegistry
from edgeloop_kafka.admin import Admin
from edgeloop_local import LocalStack, progress_for

PARTITIONS = 4


@contextmanager
def cluster() -> Iterator[connection.Cluster]:
    """Kafka and schema registry; an embedded stack ends with the block, and its records with it."""
    if named := connection.given():
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as folder, LocalStack(Path(folder), progress=progress_for()) as stack:
        yield connection.Cluster(stack.bootstrap, stack.registry_url)


def fresh(where: connection.Cluster, wanted: Iterable[Topic]) -> KafkaSettings:
    """Settings with a prefix of their own: these topics exist, are empty, and their schemas are registered."""
    head = f"bench{uuid.uuid4().hex[:8]}."
    settings = KafkaSettings(bootstrap=where.bootstrap, schema_registry_url=where.registry_url, topic_prefix=head, extra={})
    found = list(wanted)
    Admin(settings).create([Sizes(partitions=PARTITIONS, replication=1).wanted(topic) for topic in found])
    with SchemaRegistry(settings.schema_registry_url) as registry:
        for topic in found:
            for kind in topic.kinds:
                registry.register(head + topic.subject(kind), TEXTS[kind.FULLNAME])
    return settings
