"""Each benchmark runs in its quick form, and its ratios are computed; speed is not asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def quick(cluster: Cluster, name: str) -> dict[str, float]:
    env = environment(cluster.settings(prefix="", topics=False))
    command = [sys.executable, "-m", "benchmarks", name, "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return {one["name"].removeprefix(f"{name}/"): one["value"] for one in json.loads(done.stdout)["figures"]}


def test_the_codec_is_compared_with_fastavro_and_confluent(cluster: Cluster) -> None:
    found = quick(cluster, "codec")
    for direction in ("decode", "encode"):
        assert all(
            found[f"{direction}: {name} over fastavro row"] > 0 for name in ("batch of 256", "our row, one at a time", "Confluent row")
        )


def test_consumption_is_compared_with_the_raw_client(cluster: Cluster) -> None:
    found = quick(cluster, "consume")
    assert found["rows: transactional loop over raw librdkafka"] > 0


def test_transactions_are_compared_with_plain_producing(cluster: Cluster) -> None:
    found = quick(cluster, "transactions")
    assert found["1,000 a transaction, of plain"] > 0
    assert found["commit and confirmation of 1,000, p50"] >= found["commit of 1,000, p50"] > 0


def test_the_pipeline_gives_rows_per_core_from_observation_to_signal(cluster: Cluster) -> None:
    found = quick(cluster, "pipeline")
    assert sum(name.endswith("rows per core") and value > 0 for name, value in found.items()) == 1
    assert sum(name.endswith("processor time a row") for name in found) == 3


def test_start_up_and_memory_of_a_service_and_a_device_are_measured(cluster: Cluster) -> None:
    found = quick(cluster, "services")
    assert all(found[f"{name}: memory"] > 1 and found[f"{name}: start"] > 0 for name in ("ingestion", "inference"))
