"""The start of the platform that the tests of this folder use."""

from __future__ import annotations

import pytest
from edgeloop_contracts import topics
from edgeloop_kafka.admin import Admin
from support.broker import Cluster

pytestmark = pytest.mark.doors


def test_every_topic_exists_on_the_broker(cluster: Cluster) -> None:
    settings = cluster.settings()
    assert Admin(settings).partitions(topics.OBSERVATIONS_RAW) == 4
