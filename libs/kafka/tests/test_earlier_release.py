"""Clusters of release 0.1 are refused in one line, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from edgeloop_contracts import ModelVersion
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import RegistryUnavailableError, UnknownSchemaError
from edgeloop_kafka.earlier_release import EarlierReleaseError, refuse_earlier_release
from edgeloop_kafka.schema_registry import Latest

SUBJECT = "a.model.events-edgeloop.model.ModelVersion"
EARLIER = (Path(__file__).resolve().parents[3] / "tests/support/release_0_1/ModelVersion.avsc").read_text(encoding="utf-8")


@dataclass
class Registry:
    """A schema registry whose subject holds one text."""

    text: str | None
    url: str = "http://registry"

    def latest(self, subject: str) -> Latest:
        if self.text is None or subject != SUBJECT:
            raise UnknownSchemaError(subject)
        return Latest(7, 1, self.text)


def test_a_cluster_of_release_0_1_is_refused_in_one_line_with_place_and_remedy() -> None:
    with pytest.raises(EarlierReleaseError) as caught:
        refuse_earlier_release(Registry(EARLIER), "a.")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("edgeloop 0.1", SUBJECT, "prefix 'a.'", "schema id 7", "EDGELOOP_TOPIC_PREFIX"):
        assert part in message
    assert caught.value.exit_code != 0


@pytest.mark.parametrize(
    "text",
    [None, TEXTS[ModelVersion.FULLNAME], ModelVersion.SCHEMA, "no JSON", '"string"', '{"type": "record", "name": "Other", "fields": []}'],
)
def test_a_new_cluster_and_one_of_this_release_are_taken(text: str | None) -> None:
    refuse_earlier_release(Registry(text), "a.")


def test_another_prefix_is_another_platform() -> None:
    refuse_earlier_release(Registry(EARLIER), "b.")


def test_a_registry_that_does_not_answer_tells_nothing() -> None:
    class Away(Registry):
        def latest(self, subject: str) -> Latest:
            raise RegistryUnavailableError("away")

    with pytest.raises(RegistryUnavailableError):
        refuse_earlier_release(Away(None), "")
