"""The hash chain over model events."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from edgeloop_contracts import CandidateRefused, ModelVersion
from edgeloop_registry.core.chain import BrokenChainError, Chained, Link, fingerprint, link, verify_chain


def chain_of(*events: Chained) -> list[Chained]:
    head: str | None = None
    chained: list[Chained] = []
    for event in events:
        chained.append(replace(event, previous=head))
        head = link(chained[-1]).hash
    return chained


EVENTS = chain_of(
    ModelVersion(tenant="default", stream="", version=1),
    CandidateRefused(tenant="default", stream="", message="no"),
    ModelVersion(tenant="default", stream="", version=2, metrics={"b": 1.0, "a": 0.5}),
)


def test_a_whole_chain_holds_and_gives_its_head() -> None:
    assert verify_chain(EVENTS) == link(EVENTS[-1]).hash
    assert verify_chain([]) is None


def test_a_changed_event_shows_at_the_next_one() -> None:
    with pytest.raises(BrokenChainError) as caught:
        verify_chain([replace(EVENTS[0], rows=7), *EVENTS[1:]])
    assert caught.value.index == 1


@pytest.mark.parametrize("cut", [EVENTS[1:], EVENTS[:1] + EVENTS[2:], [EVENTS[0], *EVENTS]])
def test_a_missing_or_repeated_event_shows(cut: list[Chained]) -> None:
    with pytest.raises(BrokenChainError):
        verify_chain(cut)


def test_original_bytes_chain_as_the_event_itself_does() -> None:
    links = [Link(event.previous, fingerprint(event.SCHEMA), link(event).body) for event in EVENTS]
    assert verify_chain(links) == verify_chain(EVENTS)


def test_an_event_read_back_from_its_bytes_has_the_same_hash() -> None:
    event = EVENTS[2]
    assert link(type(event).from_dict(event.as_dict())).hash == link(event).hash


def test_docs_and_order_of_attributes_do_not_change_a_fingerprint_and_a_field_does() -> None:
    schema = json.loads(ModelVersion.SCHEMA)
    documented = dict(reversed(list(schema.items()))) | {"doc": "words"}
    assert fingerprint(json.dumps(documented)) == fingerprint(ModelVersion.SCHEMA)
    schema["fields"].pop()
    assert fingerprint(json.dumps(schema)) != fingerprint(ModelVersion.SCHEMA)
