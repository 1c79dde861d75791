"""Candidates from writers that are not the trainer, or that replay the trainer's candidates elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import CandidateRefused, ModelCandidate, ModelFile, ModelVersion, RefusalReason, topics
from edgeloop_registry.core.chain import verify_chain
from edgeloop_registry.io.trusted_trainers import Trainers
from edgeloop_signing.keys import Role, UnusableKeyError, generate_keys, load_signer, load_trusted


def refused(events: list[Any]) -> CandidateRefused:
    (event,) = events
    assert isinstance(event, CandidateRefused)
    return event


@pytest.fixture
def asked(registry: Any) -> ModelCandidate:
    """A sound candidate, asked for and not yet signed."""
    registry.define()
    candidate = registry.model()
    registry.ask(candidate.request_id)
    return candidate


def test_one_chunk_and_one_candidate_of_a_stranger_make_no_version(registry: Any, asked: ModelCandidate) -> None:
    """Valid bytes, a sound graph, the right champion and a request that waits for its answer: all but the signature."""
    event = refused(registry.send(asked))
    assert event.reason is RefusalReason.SIGNATURE
    # Whoever waits for the request's answer is not to take this for it.
    assert event.request_id is None
    assert asked.request_id in event.message
    assert registry.refusals("SIGNATURE") == 1
    assert isinstance(registry.send(registry.sign(asked))[0], ModelVersion)


@pytest.mark.parametrize("role", [Role.TRAINER, Role.REGISTRY])
def test_another_key_does_not_sign_candidates(registry: Any, asked: ModelCandidate, tmp_path: Path, role: Role) -> None:
    pair = registry.keys if role is Role.REGISTRY else generate_keys(tmp_path / "strange", role)
    signed = registry.sign(asked, load_signer(pair.private, "KEY"))
    assert refused(registry.send(signed)).reason is RefusalReason.SIGNATURE
    assert refused(registry.send(replace(signed, key_id=registry.trainer.key_id))).reason is RefusalReason.SIGNATURE


@pytest.mark.parametrize(
    "change",
    [
        {"stream": "fans"},
        {"tenant": "acme"},
        {"request_id": "other/0"},
        {"file": {"digest": "ab" * 32}},
        {"file": {"size": 1}},
        {"file": {"chunks": 1}},
        {"file": {"partition": 1}},
        {"file": {"offset": 7}},
        {"classes": ("yes", "no")},
        {"definition_version": 2},
        {"champion_version": 1},
        {"rows": 10**6},
        {"dataset_digest": "d"},
        {"metrics": {"accuracy": 1.0}},
        {"parameters": {"trees": "9"}},
        {"recalls": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_stolen_signature_vouches_for_nothing_else(registry: Any, asked: ModelCandidate, change: dict[str, Any]) -> None:
    stolen = registry.changed(registry.sign(asked), **change)
    assert refused(registry.send(stolen)).reason is RefusalReason.SIGNATURE


def test_every_field_of_a_candidate_is_signed() -> None:
    """The test above has a case for each field, and a new one needs one."""
    (mark,) = [m for m in test_a_stolen_signature_vouches_for_nothing_else.pytestmark if m.name == "parametrize"]  # type: ignore[attr-defined]
    changes = mark.args[1]
    assert {name for change in changes for name in change} == set(ModelCandidate(tenant="default", stream="").as_dict()) - {
        "signature",
        "key_id",
    }
    assert {name for change in changes for name in change.get("file", ())} == set(ModelFile().as_dict())


def test_a_candidate_that_is_sent_again_is_a_replay(registry: Any, asked: ModelCandidate) -> None:
    signed = registry.sign(asked)
    registry.send(signed)
    event = refused(registry.send(signed))
    assert (event.reason, event.request_id) == (RefusalReason.REPLAYED, None)
    registry.driver.restart()
    assert refused(registry.send(signed)).reason is RefusalReason.REPLAYED
    # Also where somebody makes the request again.
    registry.ask(asked.request_id)
    registry.driver.restart()
    assert refused(registry.send(signed)).reason is RefusalReason.REPLAYED
    assert registry.refusals("REPLAYED") == 3


def test_a_refused_candidate_does_not_come_back_when_the_world_suits_it(registry: Any, asked: ModelCandidate) -> None:
    ahead = registry.sign(replace(asked, champion_version=1))
    assert refused(registry.send(ahead)).reason is RefusalReason.STALE
    assert isinstance(registry.propose(registry.model(1))[0], ModelVersion)
    assert refused(registry.send(ahead)).reason is RefusalReason.REPLAYED


def test_an_earlier_request_is_not_answered_after_a_later_one(registry: Any, asked: ModelCandidate) -> None:
    registry.propose(registry.model(1))
    assert refused(registry.send(registry.sign(replace(asked, champion_version=1)))).reason is RefusalReason.REPLAYED


def test_a_candidate_that_nobody_asked_for_is_refused_though_the_trainer_signed_it(registry: Any) -> None:
    registry.define()
    event = refused(registry.send(registry.sign(registry.model())))
    assert event.reason is RefusalReason.UNKNOWN_REQUEST


def test_a_request_of_another_stream_is_no_request(registry: Any) -> None:
    registry.define()
    candidate = registry.model()
    registry.ask(candidate.request_id, "fans")
    assert refused(registry.send(registry.sign(candidate))).reason is RefusalReason.UNKNOWN_REQUEST


def test_a_chunk_that_is_put_in_after_signing_is_a_broken_artifact(registry: Any, asked: ModelCandidate, linear_model: Any) -> None:
    signed = registry.sign(asked)
    other = registry.log.add(linear_model(seed=5).SerializeToString())
    for index in range(asked.file.chunks):
        chunk = registry.log.records[other.file.offset + index]
        registry.log.records[index] = replace(chunk, digest=asked.file.digest, total=asked.file.chunks, size=asked.file.size)
    event = refused(registry.send(signed))
    assert event.reason is RefusalReason.BROKEN_ARTIFACT
    assert event.request_id == asked.request_id


def test_long_and_odd_texts_of_a_stranger_make_a_short_event_in_a_chain_that_holds(registry: Any) -> None:
    registry.define()
    long = "x" * 200_000
    event = refused(registry.send(ModelCandidate(tenant=long, stream=long, request_id=long, file=ModelFile(digest=long))))
    assert (event.tenant, event.stream) == ("", "")
    assert len(event.message) + len(event.digest) < 4_000
    assert verify_chain([send.event for send in registry.driver.sent if send.topic is topics.MODEL_EVENTS])


def test_the_registrys_own_key_is_not_trusted_for_candidates(registry: Any) -> None:
    own = load_signer(registry.keys.private, "KEY")
    with pytest.raises(UnusableKeyError, match="each needs a key of its own"):
        Trainers(load_trusted(registry.keys.public), own)


def test_a_version_that_would_not_fit_its_topic_is_refused_and_the_next_one_is_taken(registry: Any) -> None:
    registry.define()
    candidate = registry.model()
    event = refused(registry.propose(candidate, parameters={"note": "x" * 950_000}))
    assert event.reason is RefusalReason.BROKEN_ARTIFACT
    assert "make a version of" in event.message
    assert isinstance(registry.propose(candidate, request_id="next/0")[0], ModelVersion)
