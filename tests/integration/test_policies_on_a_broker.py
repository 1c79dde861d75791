"""A policy set from the command line changes the decisions of a running service."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from edgeloop_contracts import DetectionProgress, DriftPartial, DriftSignal, Event, SignalKind, TrainingRequest, topics
from edgeloop_kafka import partition_of
from edgeloop_streaming import Context
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.integration
EDGELOOP = Path(sys.executable).parent / "edgeloop"
KEY = "default/pumps"


class World:
    """The service retraining, and its inputs for one stream."""

    def __init__(self, cluster: Cluster) -> None:
        settings = cluster.settings()
        self.context = Context(settings, "test")
        self.environment = environment(settings)
        self.publisher = self.context.publisher()
        self.follower = self.context.follower([topics.TRAINING_REQUESTS])
        self.rows = 0
        self.service = subprocess.Popen([sys.executable, "-m", "edgeloop_retraining"], env=self.environment)

    def edgeloop(self, *arguments: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            [EDGELOOP, "policy", *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def send(self, event: Event, key: str = KEY) -> None:
        topic = topics.DRIFT_PARTIALS if isinstance(event, DriftPartial) else topics.DRIFT_SIGNALS
        partition = partition_of(KEY, 4)
        self.publisher.publish(topic, key, event, partition=partition)
        assert self.publisher.flush() == 0

    def asked(self, count: int) -> list[tuple[int, int]]:
        """Rows after the alarm and rows fitted, after an alarm at the next row and 450 rows."""
        alarm = self.rows + 1
        self.send(
            DriftSignal(tenant="default", stream="pumps", signal_id=f"s{alarm}", kind=SignalKind.ERROR_RATE, row=alarm, rising=True),
            f"{KEY}/s{alarm}",
        )
        self.label(450)
        found: list[TrainingRequest] = []
        deadline = time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < deadline
            assert self.service.poll() is None
            found += [record.event for record in self.follower.poll(0.2)]
        return [(request.row - alarm, request.manifest.rows) for request in found]

    def label(self, rows: int) -> None:
        for first in range(self.rows, self.rows + rows, 50):
            self.send(
                DriftPartial(
                    tenant="default",
                    device_id="",
                    stream="pumps",
                    model_version=1,
                    offset=first // 50,
                    first_index=first,
                    count=50,
                    errors=bytes(50),
                )
            )
        self.rows += rows
        self.send(DetectionProgress(tenant="default", stream="pumps", row=self.rows))


@pytest.fixture
def world(cluster: Cluster) -> Iterator[World]:
    made = World(cluster)
    yield made
    made.service.terminate()
    made.service.wait(20)


def test_a_policy_that_is_set_is_shown_and_decides_and_one_that_is_unset_does_not(world: World, tmp_path: Path) -> None:
    tomorrow, everywhere = tmp_path / "tomorrow.yaml", tmp_path / "everywhere.yaml"
    tomorrow.write_text("retraining: {stages: [50, 300], quiet: [], budget: 0}\n")
    everywhere.write_text("gate: {minimum: 7}\n")
    world.label(100)
    assert world.asked(1) == [(200, 200)]
    world.edgeloop("set", everywhere)
    assert world.edgeloop("set", "--stream", "pumps", tomorrow) == f"the policy of {KEY} is tomorrow, version 1\n"
    shown = json.loads(world.edgeloop("show", "--stream", "pumps", "--json"))
    policy = {"retraining": {"stages": [50, 300], "quiet": [], "budget": 0}}
    assert shown == {"tenant": "default", "policies": [{"stream": "pumps", "name": "tomorrow", "version": 1, "policy": policy}]}
    assert world.asked(2) == [(50, 50), (300, 300)]
    assert world.edgeloop("unset", "--stream", "pumps") == f"the policy of {KEY} is removed, version 2\n"
    assert "gate: minimum 7" in world.edgeloop("show", "--stream", "pumps")
    assert world.asked(1) == [(200, 200)]
    assert world.edgeloop("set", "--stream", "pumps", tomorrow) == f"the policy of {KEY} is tomorrow, version 3\n"
    assert world.edgeloop("unset", "--stream", "fans", code=2) == "edgeloop: there is no policy of default/fans\n"
