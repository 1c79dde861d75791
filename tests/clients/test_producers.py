"""Producers in five languages, with stock clients and the repository's schemas: each row and label arrives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.platform import ROOT, SCHEMAS, Came, RunningPlatform, ran

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1500)]
ROWS = 20
WHOLE = Came(ROWS, ROWS, ROWS, Counter())


@pytest.fixture
def example(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of an example's folder, so that its build files stay out of the tree."""
    return Path(shutil.copytree(ROOT / "examples" / request.param, tmp_path / request.param))


@pytest.mark.parametrize("example", ["go"], indirect=True)
def test_go_with_franz_go_and_hamba_avro(boiler: RunningPlatform, example: Path) -> None:
    ran(["go", "build", "-mod=mod", "-o", "producer", "."], example)
    addresses = ["-bootstrap", boiler.bootstrap, "-registry", boiler.registry, "-schemas", SCHEMAS]
    ran(["./producer", *addresses, "-device", "boiler-go", "-rows", str(ROWS)], example)
    assert boiler.awaited("boiler-go", ROWS) == WHOLE


@pytest.mark.parametrize("example", ["node"], indirect=True)
def test_node_with_kafkajs_and_its_registry_client(boiler: RunningPlatform, example: Path) -> None:
    ran(["npm", "install", "--no-audit", "--no-fund", "--silent"], example)
    told = ran(["node", "main.js", boiler.bootstrap, boiler.registry, "boiler-node", str(ROWS)], example, SCHEMAS=str(SCHEMAS))
    assert f"sent {ROWS}" in told
    assert boiler.awaited("boiler-node", ROWS) == WHOLE


@pytest.mark.parametrize("example", ["node"], indirect=True)
@pytest.mark.parametrize("topic", ["observations", "examples", "streams"])
def test_node_reads_topics_with_kafkajs_alone(boiler: RunningPlatform, example: Path, topic: str) -> None:
    ran(["npm", "install", "--no-audit", "--no-fund", "--silent"], example)
    assert f"read {topic}" in ran(["node", "main.js", boiler.bootstrap, boiler.registry, "read", topic], example)


@pytest.mark.parametrize("example", ["rust"], indirect=True)
def test_rust_with_rdkafka_and_apache_avro(boiler: RunningPlatform, example: Path) -> None:
    target = ROOT / ".edgeloop" / "examples-rust"  # cached: librdkafka is built once
    ran(["cargo", "build", "--quiet"], example, CARGO_TARGET_DIR=str(target), timeout=1200)
    command = [target / "debug" / "edgeloop-example-producer", boiler.bootstrap, boiler.registry, "boiler-rust", str(ROWS)]
    ran(command, example, SCHEMAS=str(SCHEMAS))
    assert boiler.awaited("boiler-rust", ROWS) == WHOLE


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled example, with its libraries."""
    folder = Path(shutil.copytree(ROOT / "examples" / "java", tmp_path_factory.mktemp("java") / "java"))
    ran(["mvn", "-q", "-B", "-ntp", "compile", "dependency:copy-dependencies", "-DoutputDirectory=lib"], folder)
    return folder


@pytest.mark.parametrize(
    ("device", "settings"),
    [
        ("boiler-java-headers", []),  # the serde's defaults: ids in headers
        ("boiler-java-long-ids", ["apicurio.registry.headers.enabled=false"]),
        ("boiler-java", ["apicurio.registry.headers.enabled=false", "apicurio.registry.as-confluent=true"]),
    ],
)
def test_java_with_apicurio_serde(boiler: RunningPlatform, java: Path, device: str, settings: list[str]) -> None:
    classes = f"target/classes{os.pathsep}lib/*"
    ran(["java", "-cp", classes, "Producer", boiler.bootstrap, boiler.registry, SCHEMAS, device, str(ROWS), *settings], java)
    assert boiler.awaited(device, ROWS) == WHOLE


@pytest.mark.parametrize(
    ("packages", "script", "device"),
    [
        (["aiokafka==0.14.0", "fastavro==1.13.1"], "aiokafka_producer.py", "boiler-aio"),
        (["quixstreams[avro]==3.28.1", "fastavro==1.13.1"], "quixstreams_producer.py", "boiler-quix"),
    ],
)
def test_python_with_other_clients(boiler: RunningPlatform, tmp_path: Path, packages: list[str], script: str, device: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    ran([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], tmp_path)
    ran([python, ROOT / "examples" / "python" / script, boiler.bootstrap, boiler.registry, device, str(ROWS)], tmp_path)
    assert boiler.awaited(device, ROWS) == WHOLE
