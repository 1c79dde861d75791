"""Confluent's Python serializer, with the schema that the registry holds."""

from __future__ import annotations

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from edgeloop_contracts import topics
from support.broker import Cluster

pytestmark = pytest.mark.clients


def test_the_registry_has_the_schema_under_the_usual_subject(cluster: Cluster) -> None:
    settings = cluster.settings()
    found = SchemaRegistryClient({"url": settings.schema_registry_url}).get_latest_version(
        f"{settings.topic_prefix}{topics.LABELS_RAW.name}-value"
    )
    assert found.schema is not None
