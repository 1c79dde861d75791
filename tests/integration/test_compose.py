"""The compose file, as far as it can be checked without an engine; and one line for each obstacle."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
from edgeloop_contracts.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
CHECK = ROOT / "tools" / "check_docker.py"
JOBS = {"schema-volume", "topics", "cli", *(f"{spec.name}-keys" for spec in SERVICES.values() if spec.signs)}
GROUND = {"kafka", "schema-registry"}
OTHERS = {"prometheus", "alertmanager", "grafana"}


def blocks() -> dict[str, str]:
    """The text of each service in the compose file."""
    section = re.search(r"^services:\n(.*?)^(?=\w)", COMPOSE, re.DOTALL | re.MULTILINE)
    assert section
    parts = re.split(r"^  ([a-z0-9-]+):", section[1], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


closure = load(ROOT / "deploy" / "docker" / "closure.py")


def test_every_service_has_its_container():
    packages = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    assert packages <= set(re.findall(r"SERVICE: ([a-z]+)", COMPOSE))
    assert set(blocks()) - JOBS - GROUND - OTHERS - {"edge-0", "edge-1"} == packages - {"inference"}


def test_services_wait_for_topics_and_come_back_after_a_crash():
    for name in set(blocks()) - JOBS - GROUND - OTHERS:
        assert "*service" in blocks()[name] or "*device" in blocks()[name], name
    service = re.search(r"^x-service:.*?^(?=\w)", COMPOSE, re.DOTALL | re.MULTILINE)
    assert service
    assert "restart: unless-stopped" in service[0]
    assert "depends_on: *ready" in service[0]


def test_ports_open_on_this_machine_alone_and_each_can_be_moved():
    variable = load(CHECK).variable
    for name, text in blocks().items():
        for line in re.findall(r"ports: (.*)", text):
            assert re.fullmatch(rf'\["127\.0\.0\.1:\$\{{{variable(name)}:-\d+\}}:\d+"\]', line), (name, line)


def test_a_variable_that_moves_a_port_is_no_setting_of_the_kafka_client():
    from edgeloop_kafka.settings import librdkafka_settings

    assert librdkafka_settings(dict.fromkeys(re.findall(r"\$\{(\w+)", COMPOSE), "1")) == {}


def test_images_are_pinned():
    for image in re.findall(r"image: (\S+)", COMPOSE):
        assert re.search(r":(v?\d|\$\{EDGELOOP_VERSION:-\d)", image), image


@pytest.mark.parametrize("service", [spec.name for spec in SERVICES.values() if spec.signs])
def test_only_who_signs_with_a_private_key_and_the_job_that_makes_it_hold_it(service: str):
    volume = job = f"{service}-keys"
    assert {name for name, text in blocks().items() if f'"{volume}:' in text} == {job, service}
    assert f"{volume}:/var/lib/edgeloop/keys:ro" in blocks()[service]


def test_ids_of_schemas_lie_on_a_volume_and_are_written_at_once():
    assert "jdbc:h2:file:/schemas/registry;WRITE_DELAY=0" in blocks()["schema-registry"]
    assert "schema-data:/schemas" in blocks()["schema-registry"]


def test_settings_named_in_the_compose_file_exist():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("services/*/src/*/settings.py"))
    names = "|".join(spec.name.upper() for spec in SERVICES.values())
    for service, field in re.findall(rf"EDGELOOP_({names})_([A-Z_]+):", COMPOSE):
        assert re.search(rf"^    {field.lower()}(?:, \w+)*: ", sources, re.MULTILINE), (service, field)


def test_the_recipe_names_no_place_and_ends_as_nobody_special():
    recipe = (ROOT / "deploy" / "docker" / "service.Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!127\.0\.0\.1)|index-url|syntax=", recipe)
    assert recipe.rpartition("USER ")[2].startswith("edgeloop")
    assert recipe.count("--require-hashes") == 2


def test_every_entry_of_the_lock_is_found_with_its_hashes():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = closure.entries(lock)
    assert sum(map(len, found.values())) == len(re.findall(r"^[A-Za-z0-9].*==", lock, re.MULTILINE))
    assert all("--hash=sha256:" in entry for entries in found.values() for entry in entries)
    assert "--hash" not in closure.pins(found)


def test_an_image_holds_the_libraries_that_its_package_names_and_no_other_service():
    requirements, libraries = closure.wanted(ROOT / "services" / "drift" / "pyproject.toml", ROOT / "libs")
    assert libraries == ["contracts", "errors", "kafka", "readers", "streaming"]
    assert any(one.startswith("river") for one in requirements)
    requirements, libraries = closure.wanted(ROOT / "cli" / "pyproject.toml", ROOT / "libs")
    assert {"contracts", "kafka", "local", "streaming"} <= set(libraries)
    assert not any(one.startswith(("river", "edgeloop-")) for one in requirements)


def run_check(tmp_path: Path, script: str | None, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Run the check with a fake ``docker`` script; without any if ``script`` is ``None``."""
    if script is not None:
        program = tmp_path / "docker"
        program.write_text("#!/bin/sh\n" + textwrap.dedent(script), encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    # Only this folder is on the path, so other installed programs do not matter. The shell is named by its path.
    done = subprocess.run(
        [sys.executable, str(CHECK), *arguments],
        cwd=ROOT,
        env={"PATH": str(tmp_path), **{k: v for k, v in os.environ.items() if k == "PYTHONDONTWRITEBYTECODE"}, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stderr.splitlines()


HEALTHY = """\
    case "$*" in
      version*) echo 27.3.1;;
      "compose version --short") echo v2.30.3;;
      "compose config --format json") echo '{config}';;
      "compose ps --format json") ;;
    esac
"""


def test_without_docker_one_line_says_so(tmp_path: Path):
    code, lines = run_check(tmp_path, None)
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith("Docker is not installed")


@pytest.mark.parametrize(
    ("script", "begin"),
    [
        (
            "echo 'Cannot connect to the Docker daemon' >&2; exit 1",
            "the Docker engine does not answer (Cannot connect to the Docker daemon)",
        ),
        ("echo 20.10.24", "Docker Engine 20.10.24 is too old: 25.0 or newer is needed"),
        ('case "$*" in version*) echo 27.3.1;; *) echo unknown >&2; exit 125;; esac', "Docker has no `docker compose`"),
        ('case "$*" in version*) echo 27.3.1;; *) echo 2.17.2;; esac', "Docker Compose 2.17.2 is too old: 2.24 or newer is needed"),
    ],
    ids=["no engine", "old engine", "no compose", "old compose"],
)
def test_an_engine_that_cannot_do_it_is_told_in_one_line(tmp_path: Path, script: str, begin: str):
    code, lines = run_check(tmp_path, script)
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith(begin)


def test_a_taken_port_is_told_with_the_variable_that_moves_it(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = json.dumps({"services": {"edge-0": {"ports": [{"host_ip": "127.0.0.1", "published": str(port), "target": 8001}]}}})
        code, lines = run_check(tmp_path, HEALTHY.replace("{config}", config))
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith(f"127.0.0.1:{port}, wanted for edge-0, is taken")
    assert "EDGELOOP_PORT_EDGE_0=" in lines[0]


def test_nothing_is_said_when_nothing_stands_in_the_way(tmp_path: Path):
    assert run_check(tmp_path, HEALTHY.replace("{config}", '{"services": {"kafka": {}}}')) == (0, [])


def test_the_container_that_failed_is_named_with_its_last_words(tmp_path: Path):
    script = """\
    case "$*" in
      "compose ps --format json --all")
        echo '{"Service": "kafka", "State": "running", "Health": "unhealthy", "ExitCode": 0}'
        echo '{"Service": "topics", "State": "exited", "Health": "", "ExitCode": 2}'
        echo '{"Service": "keys", "State": "exited", "Health": "", "ExitCode": 0}';;
      *kafka) printf 'first\\nNo space left on device\\n';;
      *topics) echo 'Kafka at kafka:9092: no answer';;
    esac
    """
    code, lines = run_check(tmp_path, script, "--why")
    assert code == 0
    assert lines[0].startswith("kafka is unhealthy; its last line: No space left on device")
    assert lines[1].startswith("topics ended with exit code 2; its last line: Kafka at kafka:9092: no answer")
    assert len(lines) == 2
