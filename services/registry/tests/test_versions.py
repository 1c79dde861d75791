"""Candidates: what becomes a version, what is refused, and what a version carries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from edgeloop_contracts import CandidateRefused, ModelVersion, RefusalReason, StreamTask, topics
from edgeloop_registry.core.chain import verify_chain
from edgeloop_signing.keys import load_trusted, signed_by
from edgeloop_streaming import BackpressureError


def refusal(events: list[Any]) -> tuple[RefusalReason, str]:
    (event,) = events
    assert isinstance(event, CandidateRefused)
    return event.reason, event.message


def test_a_sound_candidate_becomes_version_1_with_a_signature_that_the_public_key_verifies(registry: Any) -> None:
    registry.define()
    candidate = replace(registry.model(), rows=300, metrics={"accuracy": 0.9}, dataset_digest="d", parameters={"depth": "4"})
    (version,) = registry.propose(candidate)
    assert isinstance(version, ModelVersion)
    assert (version.version, version.beat_version, version.rows, version.dataset_digest) == (1, None, 300, "d")
    assert json.loads(version.signed.statement) == {
        "classes": ["no", "yes"],
        "definition_version": 1,
        "digest": candidate.file.digest,
        "features": ["heat", "noise", "flow"],
        "size": candidate.file.size,
        "stream": "pumps",
        "tenant": "default",
        "version": 1,
    }
    trusted = load_trusted(registry.keys.public)
    assert signed_by(trusted, version.signed.statement, version.signed.signature)
    assert not signed_by(trusted, version.signed.statement + b" ", version.signed.signature)
    sent = registry.driver.sent[-1]
    assert sent.topic is topics.MODEL_EVENTS
    assert sent.cause.at == "model.candidates/0/0"


def test_versions_count_up_and_hang_on_one_chain(registry: Any) -> None:
    registry.define()
    for number in range(3):
        (event,) = registry.propose(registry.model(number), champion_version=number or None)
        assert event.version == number + 1
    registry.propose(registry.model(9), champion_version=1)
    events = [send.event for send in registry.driver.sent if send.topic is topics.MODEL_EVENTS]
    assert verify_chain(events)
    assert isinstance(events[-1], CandidateRefused)


def test_a_record_applied_twice_or_after_a_restart_is_one_version(registry: Any) -> None:
    registry.define()
    registry.propose(registry.model())
    stored = dict(registry.driver.stored)
    assert registry.driver.repeat() == []
    registry.driver.restart()
    assert registry.driver.repeat() == []
    assert {k: v for k, v in registry.driver.stored.items() if k.startswith("RegistryState")} == {
        k: v for k, v in stored.items() if k.startswith("RegistryState")
    }


def test_a_candidate_that_beat_an_older_version_is_stale(registry: Any) -> None:
    registry.define()
    registry.propose(registry.model(1))
    reason, message = refusal(registry.propose(registry.model(2), champion_version=None))
    assert reason is RefusalReason.STALE
    assert message == "the candidate was compared with the majority class; the current version is 1"


def test_an_archived_file_becomes_a_new_version_that_names_the_one_it_recalls(registry: Any) -> None:
    registry.define()
    (first,) = registry.propose(registry.model(1))
    registry.propose(registry.model(2), champion_version=1)
    (again,) = registry.propose(registry.model(1), champion_version=2, recalls=1, request_id="again")
    assert (again.version, again.recalls, again.file.digest, again.beat_version) == (3, 1, first.file.digest, 2)
    assert json.loads(again.signed.statement) == json.loads(first.signed.statement) | {"version": 3}
    reason, message = refusal(registry.propose(registry.model(2), champion_version=3, recalls=4, request_id="never"))
    assert (reason, message) == (RefusalReason.BROKEN_ARTIFACT, "version 4 is recalled; there are 1 to 3")


def test_a_candidate_of_a_stream_that_nobody_defined_is_refused(registry: Any) -> None:
    assert refusal(registry.propose(registry.model()))[0] is RefusalReason.UNKNOWN_STREAM


def test_a_candidate_trained_on_other_features_is_stale_and_one_trained_on_the_same_is_not(registry: Any) -> None:
    (first,) = registry.define()
    registry.define(features=tuple(reversed(first.features)), expected_version=1)
    registry.define(features=tuple(reversed(first.features)), label="new name", expected_version=2)
    reason, message = refusal(registry.propose(registry.model(1), definition_version=1))
    assert reason is RefusalReason.STALE
    assert "trained on definition 1" in message
    assert isinstance(registry.propose(registry.model(2), definition_version=2)[0], ModelVersion)


def test_a_tampered_chunk_is_a_broken_artifact(registry: Any) -> None:
    registry.define()
    candidate = registry.model()
    chunk = registry.log.records[2]
    registry.log.records[2] = replace(chunk, data=bytes([chunk.data[0] ^ 1]) + chunk.data[1:])
    reason, message = refusal(registry.propose(candidate))
    assert reason is RefusalReason.BROKEN_ARTIFACT
    assert candidate.file.digest in message


@pytest.mark.parametrize(
    "claim",
    [
        {"file": {"size": 0}},
        {"file": {"size": 1 << 40, "chunks": 1 << 21}},
        {"file": {"chunks": 0}},
        {"file": {"partition": 7}},
        {"file": {"offset": -1}},
        {"file": {"digest": "../x"}},
        {"classes": ()},
        {"classes": ("a", "a")},
    ],
)
def test_impossible_claims_are_refused_before_anything_is_read(registry: Any, claim: dict[str, Any]) -> None:
    registry.define()
    candidate = registry.model()
    registry.log.records.clear()
    assert refusal(registry.propose(registry.changed(candidate, **claim)))[0] is RefusalReason.BROKEN_ARTIFACT


def test_a_candidate_answers_with_what_its_stream_says(registry: Any) -> None:
    registry.define(classes=(), task=StreamTask.REGRESSION, tolerance=1.0)
    reason, message = refusal(registry.propose(registry.model(1)))
    assert (reason, message) == (
        RefusalReason.BROKEN_ARTIFACT,
        "the stream's task is REGRESSION, the candidate answers with one of 2 classes",
    )
    reason, message = refusal(registry.propose(registry.model(2), classes=()))
    assert reason is RefusalReason.FORBIDDEN_GRAPH
    assert "prediction float[N] expected" in message


def test_chunks_may_lie_apart(registry: Any) -> None:
    registry.define()
    artifact = registry.model()
    whole = b"".join(chunk.data for chunk in registry.log.records)
    registry.log.records.clear()
    apart = registry.log.add(whole, between=30)
    assert apart.file.digest == artifact.file.digest
    assert isinstance(registry.propose(apart)[0], ModelVersion)


def test_a_candidate_that_points_far_before_its_chunks_is_refused_without_reading_everything(registry: Any) -> None:
    registry.define()
    registry.log.records = [None] * 20_000
    candidate = registry.changed(registry.model(), file={"offset": 0})
    assert refusal(registry.propose(candidate))[0] is RefusalReason.BROKEN_ARTIFACT


def test_chunks_that_are_not_there_yet_are_waited_for_and_not_for_ever(registry: Any) -> None:
    registry.define()
    candidate = registry.model()
    kept, registry.log.records = registry.log.records, []
    with pytest.raises(BackpressureError) as caught:
        registry.propose(candidate)
    assert not caught.value.ready()
    registry.log.seconds += 1
    assert caught.value.ready()
    registry.log.records = kept
    assert isinstance(registry.propose(candidate)[0], ModelVersion)

    lost = registry.model(2)
    registry.log.records = []
    with pytest.raises(BackpressureError):
        registry.propose(lost, champion_version=1)
    registry.log.seconds += 30
    assert refusal(registry.propose(lost, champion_version=1))[0] is RefusalReason.BROKEN_ARTIFACT
