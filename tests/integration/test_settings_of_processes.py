"""Services with invalid settings: one line with the reason, and no traceback."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from edgeloop_contracts.services import SERVICES
from support.processes import environment

pytestmark = pytest.mark.integration
# Services that start without a key.
NAMES = [spec.name for spec in SERVICES.values() if spec.state is not None and not spec.signs]


def start(cluster: Any, service: str, **more: str) -> subprocess.Popen[str]:
    settings = cluster.settings(prefix="unusable.", topics=False)
    command = [sys.executable, "-m", f"edgeloop_{service}"]
    return subprocess.Popen(command, env=environment(settings, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and the one line of output."""
    said = process.communicate(timeout=90)[0].strip().splitlines()
    assert len(said) == 1, said
    return process.returncode, said[0]


def test_a_cluster_that_cannot_be_worked_with_is_told_in_one_line(cluster: Any) -> None:
    for process in [start(cluster, service, EDGELOOP_KAFKA_SECURITY_PROTOCOL="SSL") for service in NAMES]:
        code, told = ended(process)
        assert code == 1
        assert "Kafka at " in told
        assert "EDGELOOP_KAFKA_SECURITY_PROTOCOL" in told


@pytest.mark.parametrize(
    ("service", "variable", "value", "told"),
    [
        ("ingestion", "EDGELOOP_LOG", "xml", "EDGELOOP_LOG: Input should be 'text' or 'json', given 'xml'"),
        ("monitoring", "EDGELOOP_HTTP_PORT", "many", "EDGELOOP_HTTP_PORT: Input should be a valid integer"),
        ("adapter", "EDGELOOP_ADAPTER_ENABLED", "perhaps", "EDGELOOP_ADAPTER_ENABLED: Input should be a valid boolean"),
        (
            "registry",
            "EDGELOOP_REGISTRY_KEY_FILE",
            "/nowhere",
            "EDGELOOP_REGISTRY_KEY_FILE: the private key /nowhere cannot be read: No such file",
        ),
        (
            "mirror",
            "EDGELOOP_MIRROR_TRUST_FILE",
            "/nowhere",
            "EDGELOOP_MIRROR_TRUST_FILE: the public key /nowhere cannot be read: No such file",
        ),
        ("drift", "EDGELOOP_DRIFT_SCOPES", "device", "EDGELOOP_DRIFT_*: scopes: expected some of stream, alone and version, given device"),
        ("trainer", "EDGELOOP_TRAINER_FIT_SECONDS", "soon", "EDGELOOP_TRAINER_FIT_SECONDS: Input should be a valid number"),
        ("trainer", "EDGELOOP_TRAINER_TREES", "0", "EDGELOOP_TRAINER_*: trees: expected 1 to 1000, given 0"),
        ("retraining", "EDGELOOP_RETRAINING_GATE", "many", "EDGELOOP_RETRAINING_GATE: Input should be a valid integer"),
    ],
)
def test_settings_that_make_no_sense_are_told_in_one_line(cluster: Any, service: str, variable: str, value: str, told: str) -> None:
    code, said = ended(start(cluster, service, **{variable: value}))
    assert code == 2
    assert told in said
