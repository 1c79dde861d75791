"""Requests to a real broker about topics."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_contracts import topics
from edgeloop_kafka.admin import Admin

pytestmark = pytest.mark.integration


def test_a_topic_that_does_not_exist_has_no_number_of_partitions(cluster: Any) -> None:
    with pytest.raises(LookupError, match=r"labels does not exist: run `edgeloop topics --apply`"):
        Admin(cluster.settings(topics=False)).partitions(topics.LABELS)
