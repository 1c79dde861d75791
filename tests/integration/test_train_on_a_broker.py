"""``edgeloop train`` on a real broker: the command that it writes, and its report of the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from edgeloop_cli import train
from edgeloop_cli.main import build
from edgeloop_contracts import (
    CandidateRefused,
    Event,
    ModelFile,
    ModelVersion,
    RefusalReason,
    RunStatus,
    StartTraining,
    StreamDefinition,
    Topic,
    TrainingRequest,
    TrainingRun,
    topics,
)
from edgeloop_streaming import Context
from typer.testing import CliRunner

pytestmark = pytest.mark.integration
KEY, COMMAND = "default/boiler", "cli-feed"
OF_RUN: dict[str, Any] = {"tenant": "default", "stream": "boiler", "request_id": f"{COMMAND}/0", "campaign": COMMAND}
Put = Callable[[Topic, Event], None]
Ask = Callable[..., str]


@pytest.fixture
def context(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Context:
    settings = cluster.settings()
    monkeypatch.setenv("EDGELOOP_KAFKA_BOOTSTRAP", settings.bootstrap)
    monkeypatch.setenv("EDGELOOP_SCHEMA_REGISTRY_URL", settings.schema_registry_url)
    monkeypatch.setenv("EDGELOOP_TOPIC_PREFIX", settings.topic_prefix)
    return Context(settings, "test")


@pytest.fixture
def put(context: Context) -> Put:
    publisher = context.publisher()

    def write(topic: Topic, event: Event) -> None:
        publisher.publish(topic, KEY, event, partition=0)
        assert publisher.flush() == 0

    write(topics.STREAMS, StreamDefinition(tenant="default", stream="boiler", version=1))
    return write


@pytest.fixture
def ask(put: Put, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setattr(train.secrets, "token_hex", lambda _: "feed")

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(build(), ["train", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_the_command_is_written_and_what_comes_of_it_is_told(ask: Ask, put: Put, context: Context) -> None:
    put(topics.TRAINING_REQUESTS, TrainingRequest(**OF_RUN))
    put(topics.TRAINING_RUNS, TrainingRun(**OF_RUN, status=RunStatus.FITTED, rows=300))
    put(topics.TRAINING_RUNS, TrainingRun(**OF_RUN, status=RunStatus.PROMOTED, rows=300))
    put(
        topics.MODEL_EVENTS,
        ModelVersion(tenant="default", stream="boiler", request_id=f"{COMMAND}/0", version=4, file=ModelFile(size=2048)),
    )
    assert "version 4: promoted, 300 rows, 2 KiB" in ask("boiler", "--rows", "300", "--seed", "7")
    reader = context.reader()
    partition, (begin, end) = next((p, span) for p, span in reader.spans(topics.RETRAINING_COMMANDS).items() if span[0] < span[1])
    (written,) = reader.read(topics.RETRAINING_COMMANDS, partition, begin, end)
    reader.close()
    assert (written.key, written.event) == (KEY, StartTraining(tenant="default", stream="boiler", command_id=COMMAND, rows=300, seed=7))
    told = json.loads(ask("boiler", "--json"))
    assert (told["status"], told["lineage"]["version"]["version"]) == ("PROMOTED", 4)


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (TrainingRun(**OF_RUN, status=RunStatus.REJECTED, reason="no lead on 200 rows"), 0, "was rejected: no lead on 200 rows"),
        (TrainingRun(**OF_RUN, status=RunStatus.FAILED, reason="one class only"), 1, "gave no version: one class only"),
    ],
)
def test_a_run_that_gives_no_version_says_why(ask: Ask, put: Put, outcome: TrainingRun, code: int, said: str) -> None:
    put(topics.TRAINING_RUNS, outcome)
    assert said in ask("boiler", code=code)


def test_a_version_that_the_registry_refuses_is_a_failure(ask: Ask, put: Put) -> None:
    put(topics.TRAINING_RUNS, TrainingRun(**OF_RUN, status=RunStatus.PROMOTED))
    put(
        topics.MODEL_EVENTS,
        CandidateRefused(
            tenant="default", stream="boiler", request_id=f"{COMMAND}/0", reason=RefusalReason.FORBIDDEN_GRAPH, message="torn"
        ),
    )
    told = ask("boiler", code=1)
    assert "the registry refused it (FORBIDDEN_GRAPH)" in told
    assert "torn" in told


def test_nobody_waits_for_rows_that_do_not_come(ask: Ask) -> None:
    told = ask("boiler", "--rows", "5000", "--timeout", "0.1", code=1)
    assert "begins when 5,000 labelled rows are there" in told
    assert "not done within 0.1 s; the request goes on" in told
    assert f"requested as {COMMAND}" in ask("boiler", "--timeout", "0")


def test_a_stream_that_is_not_there_is_told_with_those_that_are(ask: Ask) -> None:
    assert "default has no stream pumps; it has boiler" in ask("pumps", code=2)
