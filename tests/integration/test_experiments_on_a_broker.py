"""``edgeloop runs`` and ``edgeloop models`` on a real broker: from a signal to the devices, as text and as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from edgeloop_cli.main import build
from edgeloop_contracts import (
    Cause,
    DeviceReport,
    DriftSignal,
    Event,
    ModelFile,
    ModelVersion,
    RunStatus,
    Topic,
    TrainingRequest,
    TrainingRun,
    topics,
)
from edgeloop_streaming import Context
from typer.testing import CliRunner

pytestmark = pytest.mark.integration
ID, KEY = "0123456789abcdef", "default/boiler"
GATE = {"gate_accuracy": 0.91, "gate_champion_accuracy": 0.55}


@pytest.fixture
def ask(cluster: Any, monkeypatch: pytest.MonkeyPatch):
    settings = cluster.settings()
    monkeypatch.setenv("EDGELOOP_KAFKA_BOOTSTRAP", settings.bootstrap)
    monkeypatch.setenv("EDGELOOP_SCHEMA_REGISTRY_URL", settings.schema_registry_url)
    monkeypatch.setenv("EDGELOOP_TOPIC_PREFIX", settings.topic_prefix)
    context = Context(settings, "test")
    publisher = context.publisher()

    def put(topic: Topic, event: Event, key: str = KEY, partition: int = 0) -> None:
        publisher.publish(topic, key, event, partition=partition)
        assert publisher.flush() == 0

    put(
        topics.DRIFT_SIGNALS,
        DriftSignal(tenant="default", stream="boiler", signal_id=ID, detector="ADWIN", before=0.1, after=0.4),
        f"{KEY}/{ID}",
    )
    cause = Cause(id="x", at="drift.signals/0/0")
    put(topics.TRAINING_REQUESTS, TrainingRequest(tenant="default", stream="boiler", request_id=f"{ID}/0", campaign=ID, cause=cause))
    fitted = {
        "tenant": "default",
        "stream": "boiler",
        "request_id": f"{ID}/0",
        "file": ModelFile(digest="c" * 64),
        "rows": 300,
        "parameters": {"family": "mlp"},
    }
    put(topics.TRAINING_RUNS, TrainingRun(**fitted, status=RunStatus.FITTED))
    put(topics.TRAINING_RUNS, TrainingRun(**fitted, status=RunStatus.PROMOTED, metrics=GATE))
    put(
        topics.MODEL_EVENTS,
        ModelVersion(
            tenant="default", stream="boiler", version=4, request_id=f"{ID}/0", file=ModelFile(digest="c" * 64), rows=300, metrics=GATE
        ),
    )
    put(topics.FLEET_REPORTED, DeviceReport(tenant="default", stream="boiler", device_id="boiler-7", version=4), f"{KEY}/boiler-7")

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(build(), list(arguments))
        assert result.exit_code == code, result.output
        assert max(map(len, result.output.splitlines()), default=0) <= 80 or "--json" in arguments
        return result.output

    return run


def test_a_run_and_a_version_tell_the_same_way_from_signal_to_device(ask) -> None:
    listed = ask("runs")
    assert re.search(r"01234567/0 .* promoted +300 +0\.910 \(0\.550\) +4", listed), listed
    told = ask("runs", "0123/0")
    assert [word for word in ("ADWIN", "retraining asked", "promoted", "made version 4", "boiler-7", "mlp") if word not in told] == []
    assert re.search(r"boiler/4\* .* 300 +0\.910 \(0\.550\) +0 +1 +cccccccccccc", ask("models", "--stream", "boiler"))
    assert "runs on boiler-7" in ask("models", "boiler/4")
    run, version = json.loads(ask("runs", ID, "--json")), json.loads(ask("models", "4", "--json"))
    assert run["lineage"] == version["lineage"]
    assert run["lineage"]["cause"] == {"at": "drift.signals/0/0", "type": "edgeloop.drift.DriftSignal"}
    assert run["lineage"]["devices"] == ["boiler-7"]
    assert json.loads(ask("runs", "--json", "--limit", "1"))[0]["metrics"] == GATE


def test_what_is_not_there_is_told_in_a_line(ask) -> None:
    assert "no run has the id 'nope'" in ask("runs", "nope", code=2)
    assert "no version has the name '9'" in ask("models", "9", code=2)
    assert "no training run of stream pumps yet" in ask("runs", "--stream", "pumps")
    assert json.loads(ask("models", "--stream", "pumps", "--json")) == []
