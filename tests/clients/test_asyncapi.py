"""The AsyncAPI document, judged by AsyncAPI's own parser with its Avro plugin."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from edgeloop_contracts import topics

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/asyncapi.yaml"


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asyncapi") / "checker"
    shutil.copytree(Path(__file__).parent / "asyncapi", folder)
    # One dependency has an install script that reports the installation to its author.
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)
    return folder


def judged(checker: Path, document: Path) -> subprocess.CompletedProcess[str]:
    command = ["node", "main.js", str(document)]
    return subprocess.run(command, cwd=checker, check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.clients
def test_the_document_has_no_faults_and_a_channel_for_each_topic(checker: Path) -> None:
    done = judged(checker, DOCUMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{len(topics.all_topics())} channels, ")


@pytest.mark.clients
@pytest.mark.parametrize("fault", ["a field without a type", "a channel that is not there"])
def test_a_document_with_a_fault_is_refused(checker: Path, tmp_path: Path, fault: str) -> None:
    content = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    if fault == "a field without a type":
        del content["components"]["schemas"]["edgeloop.label.Label"]["schema"]["fields"][0]["type"]
    else:
        del content["channels"]["labels"]
    path = tmp_path / "faulty.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert judged(checker, path).returncode == 1
