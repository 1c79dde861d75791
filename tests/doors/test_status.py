"""Status of a whole platform from `up --wait` to `down`: it agrees with the facts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from edgeloop_cli import connection
from edgeloop_contracts import topics

pytestmark = [pytest.mark.doors, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("up")
    done = edgeloop(folder, "up", "--wait", "--devices", "1", "--timeout", "240")
    assert done.returncode == 0, done.stderr
    yield folder
    edgeloop(folder, "down")


def edgeloop(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("EDGELOOP_KAFKA_")}
    command = [sys.executable, "-m", "edgeloop_cli", *arguments, "--data-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, env=env)


def status(folder: Path) -> tuple[int, dict[str, Any]]:
    done = edgeloop(folder, "status", "--json")
    return done.returncode, json.loads(done.stdout)


def until(folder: Path, wanted: Callable[[int, dict[str, Any]], bool]) -> tuple[int, dict[str, Any]]:
    deadline = time.monotonic() + 120
    while not wanted(*(found := status(folder))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def process(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in told["processes"] if each["name"] == name)


def test_everything_works_when_up_says_so_and_empty_topics_are_called_so(home: Path) -> None:
    code, told = status(home)
    assert (code, told["not_working"], told["dead_letters"], told["foreign_schemas"]) == (0, [], {}, [])
    assert {each["state"] for each in told["processes"]} == {"works"}
    assert process(told, "drift")["lag"] == 0
    assert told["commands"][0]["command"] == "up"
    assert edgeloop(home, "status").stdout.rstrip().endswith("everything works")
    assert edgeloop(home, "tail", "drift.signals").stderr == "drift.signals has no records\n"
    wrong = edgeloop(home, "tail", "drift.signals", "--kind", "Drift")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "edgeloop: --kind: drift.signals carries no 'Drift'; it carries DriftSignal, DetectionProgress\n",
    )
    deadline = time.monotonic() + 60  # the first heartbeat comes within ten seconds
    while "device-0" not in (devices := edgeloop(home, "devices").stdout) and time.monotonic() < deadline:
        time.sleep(1)
    assert "device-0" in devices
    assert "online" in devices


def test_a_service_that_was_killed_is_told_with_its_new_process_and_why(home: Path) -> None:
    before = process(status(home)[1], "drift")["pid"]
    os.kill(before, signal.SIGKILL)
    code, told = until(home, lambda code, told: code == 0 and process(told, "drift")["restarts"] == 1)
    drift = process(told, "drift")
    assert code == 0
    assert drift["restarts"] == 1
    assert drift["pid"] not in (None, before)
    assert drift["ends"][-1]["how"] == "was ended by SIGKILL"
    assert "it was ended by SIGKILL" in edgeloop(home, "status").stdout.replace("\n", " ")


def test_a_service_that_is_frozen_does_not_work(home: Path) -> None:
    pid = process(status(home)[1], "rollout")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        code, told = status(home)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (code, told["not_working"]) == (1, ["rollout (does not answer)"])


def test_dead_letters_and_a_strangers_schema_are_told(home: Path) -> None:
    cluster = connection.required(home)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(3):
        producer.produce(topics.LABELS_RAW.name, key="default/s/d", value=f"no Avro {number}".encode())
    assert producer.flush(30) == 0
    code, told = until(home, lambda _, told: told["dead_letters"].get("ingestion") == 3)
    assert (code, told["dead_letters"]) == (0, {"ingestion": 3})
    assert "everything works" not in edgeloop(home, "status").stdout
    kind = topics.LABELS_RAW.kinds[0]
    poorer = json.loads(kind.SCHEMA)
    poorer["fields"] = poorer["fields"][:2]
    subject = topics.LABELS_RAW.subject(kind)
    schemas = cluster.context("cli").schemas
    schemas.register(subject, json.dumps(poorer))
    code, told = status(home)
    assert (code, [(one["subject"], one["harmful"]) for one in told["foreign_schemas"]]) == (1, [(subject, True)])
    said = " ".join(edgeloop(home, "status").stdout.split())
    assert "give them a file of schemas/" in said  # `topics --apply` cannot help: the registered text keeps its version


def test_a_second_start_is_refused_by_name(home: Path) -> None:
    again = edgeloop(home, "up", "--wait")
    assert again.returncode == 2
    assert "runs on" in again.stderr
