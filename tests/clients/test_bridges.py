"""Bridges without code: Kafka Connect as source and sink, and MQTT through Bento."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edgeloop_contracts import topics
from edgeloop_local.ports import free_port
from support.platform import ROOT, Came, RunningPlatform, ran

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1500)]
ROWS = 20


@contextmanager
def running(command: list[str | Path], folder: Path, **environment: str) -> Iterator[Path]:
    """Run a program beside the test; gives its log."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled, with Kafka Connect beside it."""
    folder = Path(shutil.copytree(ROOT / "examples" / "connect", tmp_path_factory.mktemp("connect") / "connect"))
    ran(["mvn", "-q", "-B", "-ntp", "compile", "dependency:copy-dependencies", "-DoutputDirectory=lib"], folder)
    return folder


def test_connect_writes_rows_by_name_and_reads_observations(boiler: RunningPlatform, connect: Path) -> None:
    worker = (connect / "worker.properties").read_text()
    core = boiler.registry.replace("/apis/ccompat/v7", "/apis/registry/v2")
    (connect / "worker.properties").write_text(worker.replace("BOOTSTRAP", boiler.bootstrap).replace("CORE", core))
    lines = [{"device": "boiler-connect", "id": f"a-{i}", "temperature": 70.0 + i, "pressure": 2} for i in range(ROWS)]
    (connect / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    classes = f"target/classes{os.pathsep}lib/*"
    command = ["java", "-Xmx512m", "-cp", classes, "org.apache.kafka.connect.cli.ConnectStandalone"]
    with running([*command, "worker.properties", "source.properties", "sink.properties"], connect) as log:
        deadline = time.monotonic() + 120
        observed, written = connect / "observations.txt", ""
        while written.count("boiler-connect") < 1 or boiler.came("boiler-connect").observations < ROWS:
            assert time.monotonic() < deadline, log.read_text()[-4000:]
            time.sleep(1)
            written = observed.read_text() if observed.exists() else ""
    came = boiler.came("boiler-connect")
    assert (came.observations, came.dead) == (ROWS, Counter())
    batches = [r.event for r in boiler.read(topics.OBSERVATIONS) if r.event.device_id == "boiler-connect"]
    assert [name for batch in batches for name in batch.request_ids] == [f"a-{i}" for i in range(ROWS)]


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bento, built once and cached."""
    built = ROOT / ".edgeloop" / "bento-1.14.1"
    if not built.exists():
        folder = Path(shutil.copytree(Path(__file__).parent / "bento", tmp_path_factory.mktemp("bento") / "bento"))
        ran(["go", "build", "-mod=mod", "-o", built, "."], folder, timeout=1200)
    return built


def test_mqtt_messages_come_through_mosquitto_and_bento(boiler: RunningPlatform, bento: Path, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    publish = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", "sensors/boiler-mqtt", "-l"]
    rows = [{"id": f"m-{i}", "at": 1_700_000_000_000 + i, "temperature": 70.0 + i, "pressure": 2.0} for i in range(ROWS)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    environment = {"KAFKA": boiler.bootstrap, "REGISTRY": boiler.registry, "MQTT": f"tcp://127.0.0.1:{port}"}
    config = ROOT / "examples" / "mqtt" / "bento.yaml"
    with running(["/usr/sbin/mosquitto", "-c", "mosquitto.conf"], tmp_path):
        command = [bento, "-c", config, "--set", "http.enabled=false"]
        with running(command, tmp_path, **environment) as log:
            deadline = time.monotonic() + 60
            while "active" not in log.read_text():
                assert time.monotonic() < deadline, log.read_text()[-4000:]
                time.sleep(0.5)
            subprocess.run(publish, input=text.encode(), check=True, timeout=60)
            while (came := boiler.came("boiler-mqtt")).observations < ROWS and time.monotonic() < deadline:
                time.sleep(1)
    assert came == Came(ROWS, 0, 0, Counter()), log.read_text()[-4000:]
