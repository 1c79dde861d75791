"""The registry as a process, against a real broker and a real schema registry."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import (
    CandidateRefused,
    Feature,
    ModelCandidate,
    ModelVersion,
    RefusalReason,
    RegisterStream,
    StreamDefinition,
    TrainingRequest,
    topics,
)
from edgeloop_kafka import KafkaSettings
from edgeloop_registry.core.chain import Link, fingerprint, verify_chain
from edgeloop_signing.keys import Role, generate_keys, load_signer, load_trusted, signed_by
from edgeloop_signing.statements import candidate_statement
from edgeloop_streaming import Context
from support.processes import environment

pytestmark = pytest.mark.integration


def start(settings: KafkaSettings, key: Path, trainer: Path) -> subprocess.Popen[bytes]:
    own = {"EDGELOOP_REGISTRY_KEY_FILE": str(key), "EDGELOOP_REGISTRY_TRAINER_TRUST_FILE": str(trainer)}
    return subprocess.Popen([sys.executable, "-m", "edgeloop_registry"], env=environment(settings, **own))


def events(context: Context, topic: Any, count: int, seconds: float = 40.0) -> list[Any]:
    follower = context.follower([topic])
    found: list[Any] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        found += follower.poll(0.2)
    found += follower.poll(0.5)
    follower.close()
    assert len(found) == count
    return found


def test_a_candidate_becomes_one_signed_version_also_across_a_kill(
    cluster: Any, tmp_path: Path, log: Any, linear_model: Callable[..., Any]
) -> None:
    settings = cluster.settings()
    keys, trainer = (generate_keys(tmp_path, role) for role in (Role.REGISTRY, Role.TRAINER))
    signer = load_signer(trainer.private, "KEY")
    context = Context(settings, "test")
    publisher, reader = context.publisher(), context.reader()

    def publish(topic: Any, event: Any, key: str = "default/pumps", **place: Any) -> None:
        publisher.publish(topic, key, event, **place)
        assert publisher.flush() == 0

    def signed(candidate: ModelCandidate, **fields: Any) -> ModelCandidate:
        changed = replace(candidate, **fields)
        return replace(changed, signature=signer.sign(candidate_statement(changed)), key_id=signer.key_id)

    added = log.add(linear_model().SerializeToString())
    candidate = replace(added, file=replace(added.file, partition=2, offset=reader.end(topics.MODEL_CHUNKS, 2)))
    for chunk in log.records:
        publish(topics.MODEL_CHUNKS, chunk, f"{chunk.digest}/{chunk.index}", partition=2)
    features = tuple(Feature(name=name) for name in ("heat", "noise", "flow"))
    publish(topics.MODEL_COMMANDS, RegisterStream(tenant="default", stream="pumps", features=features, classes=("no", "yes")))
    process = start(settings, keys.private, trainer.public)
    try:
        assert events(context, topics.STREAMS, 1)[0].event == StreamDefinition(
            tenant="default", stream="pumps", version=1, features=features, classes=("no", "yes")
        )
        for request_id in (candidate.request_id, "other"):
            publish(topics.TRAINING_REQUESTS, TrainingRequest(tenant="default", stream="pumps", request_id=request_id))
        publish(topics.MODEL_CANDIDATES, signed(candidate))
        events(context, topics.MODEL_EVENTS, 1)
        process.kill()
        process.wait()
        publish(topics.MODEL_CANDIDATES, signed(candidate))
        publish(topics.MODEL_CANDIDATES, signed(candidate, request_id="other"))
        process = start(settings, keys.private, trainer.public)
        first, repeat, second = events(context, topics.MODEL_EVENTS, 3)
    finally:
        process.terminate()
        assert process.wait(15) == 0
    version, refused = first.event, second.event
    assert isinstance(version, ModelVersion)
    assert version.version == 1
    assert signed_by(load_trusted(keys.public), version.signed.statement, version.signed.signature)
    assert first.headers["ce_causationat"] == b"model.candidates/0/0"
    assert repeat.event.reason is RefusalReason.REPLAYED
    assert isinstance(refused, CandidateRefused)
    assert refused.reason is RefusalReason.STALE
    # The bytes on the topic chain just as the events do.
    links = [Link(record.event.previous, fingerprint(record.event.SCHEMA), record.raw[5:]) for record in (first, repeat, second)]
    assert verify_chain(links) == verify_chain([version, repeat.event, refused])


def test_without_a_key_the_registry_says_so_and_stops(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "edgeloop_registry"],
        env={**os.environ, "EDGELOOP_REGISTRY_KEY_FILE": str(tmp_path / "none.pem")},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 2
    assert "none.pem cannot be read" in process.stdout.decode() + process.stderr.decode()
