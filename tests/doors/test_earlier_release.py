"""Topics and data directories of release 0.1: each command and service refuses them in one line and changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import ModelVersion, topics
from edgeloop_kafka import SchemaRegistry
from edgeloop_kafka.admin import Admin
from support.processes import TESTS, environment

pytestmark = [pytest.mark.doors, pytest.mark.timeout(300)]
EARLIER = (TESTS / "support/release_0_1/ModelVersion.avsc").read_text(encoding="utf-8")


@pytest.fixture
def earlier(cluster: Any) -> Any:
    """Settings of a cluster whose subject holds the schema of release 0.1."""
    settings = cluster.settings(topics=False)
    with SchemaRegistry(settings.schema_registry_url) as registry:
        registry.register(settings.topic_prefix + topics.MODEL_EVENTS.subject(ModelVersion), EARLIER)
    return settings


def run(settings: Any, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], env=environment(settings), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ("edgeloop_rollout",),
        ("edgeloop_monitoring",),
        ("edgeloop_cli", "topics", "--apply"),
        ("edgeloop_cli", "topics", "--diff"),
        ("edgeloop_cli", "up", "--devices", "0"),
    ],
    ids=" ".join,
)
def test_topics_of_release_0_1_are_refused_in_one_line_and_nothing_changes(earlier: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run(earlier, *command, *(["--data-dir", str(tmp_path)] if "up" in command else []))
    assert done.returncode != 0
    told = [line for line in (done.stdout + done.stderr).splitlines() if "edgeloop 0.1" in line]
    assert len(told) == 1
    assert earlier.topic_prefix in told[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not Admin(earlier).existing(topics.all_topics())


def test_status_names_records_of_release_0_1(earlier: Any, tmp_path: Path) -> None:
    done = run(earlier, "edgeloop_cli", "status", "--data-dir", str(tmp_path))
    assert done.returncode != 0
    assert "records of edgeloop 0.1" in " ".join((done.stdout + done.stderr).split())


def test_up_on_a_data_directory_of_release_0_1_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "kafka/log").mkdir(parents=True)
    (tmp_path / "kafka/log/meta.properties").write_text("version=1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "edgeloop_cli", "up", "--devices", "0", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.count("holds records of edgeloop 0.1") == 1
    assert "Traceback" not in done.stderr
    assert (tmp_path / "kafka/log/meta.properties").read_text(encoding="utf-8") == "version=1\n"
    assert not (tmp_path / "keys").exists()
