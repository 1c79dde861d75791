"""A rollout by phases on a real broker: drift counts answers, rollout judges them, and a person pauses it by command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import (
    Assignment,
    DeviceKey,
    DeviceReport,
    DeviceStatus,
    ExampleBatch,
    ModelFile,
    ModelVersion,
    RolloutEvent,
    topics,
)
from edgeloop_streaming import Context
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.integration
EDGELOOP = Path(sys.executable).parent / "edgeloop"
DEVICES, ROWS = 10, 20


class Site:
    """Drift and rollout as processes, and ten devices that run what they are told and answer as badly as their version does."""

    def __init__(self, cluster: Cluster) -> None:
        settings = cluster.settings()
        self.environment = environment(settings)
        context = Context(settings, "test")
        self.publisher = context.publisher()
        self.follower = context.follower([topics.ROLLOUT_ASSIGNMENTS, topics.ROLLOUT_EVENTS])
        self.runs: dict[str, int] = {}
        self.told: list[Assignment] = []
        self.facts: list[RolloutEvent] = []
        self.bad, self.index = 0, 0
        modules = ("edgeloop_drift", "edgeloop_rollout")
        self.services = [subprocess.Popen([sys.executable, "-m", module], env=self.environment) for module in modules]

    def edgeloop(self, *arguments: str | Path, code: int = 0) -> str:
        words = [EDGELOOP, *map(str, arguments)]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def report(self, name: str) -> None:
        version = self.runs.get(name)
        status = DeviceStatus.INSTALLED if version else DeviceStatus.ONLINE
        report = DeviceReport(tenant="default", stream="pumps", device_id=name, status=status, version=version)
        self.publisher.publish(topics.FLEET_REPORTED, DeviceKey.of(report), report)

    def version(self, number: int) -> None:
        version = ModelVersion(tenant="default", stream="pumps", version=number, file=ModelFile(digest=f"{number:064}", size=9, chunks=1))
        self.publisher.publish(topics.MODEL_EVENTS, "default/pumps", version)
        assert self.publisher.flush() == 0

    def rows(self) -> None:
        """Some labelled rows of each device."""
        for name, version in sorted(self.runs.items()):
            answers = tuple("b" if row < (12 if version == self.bad else 2) else "a" for row in range(ROWS))
            batch = ExampleBatch(
                tenant="default",
                stream="pumps",
                device_id=name,
                first_index=self.index,
                seqs=tuple(range(self.index, self.index + ROWS)),
                labels=("a",) * ROWS,
                answers=answers,
                model_versions=(version,) * ROWS,
            )
            self.publisher.publish(topics.EXAMPLES, DeviceKey.of(batch), batch)
        self.index += ROWS
        assert self.publisher.flush() == 0

    def until(self, met: Callable[[], bool], *, rows: bool = False) -> None:
        deadline = time.monotonic() + 90
        while not met():
            assert time.monotonic() < deadline, (self.runs, [fact.kind.value for fact in self.facts])
            assert [service.poll() for service in self.services] == [None, None]
            if rows:
                self.rows()
            for received in self.follower.poll(0.2):
                self._take(received.event)

    def _take(self, event: Any) -> None:
        if isinstance(event, RolloutEvent):
            self.facts.append(event)
        elif isinstance(event, Assignment):
            self.told.append(event)
            self.runs[event.device_id] = event.version
            self.report(event.device_id)

    def at(self, version: int) -> int:
        return sum(runs == version for runs in self.runs.values())


@pytest.fixture
def site(cluster: Cluster) -> Iterator[Site]:
    made = Site(cluster)
    yield made
    for service in made.services:
        service.terminate()
    for service in made.services:
        service.wait(20)


def test_a_bad_version_is_turned_back_and_a_good_one_reaches_everybody_once_its_pause_ends(site: Site, tmp_path: Path) -> None:
    file, groups = tmp_path / "phases.yaml", tmp_path / "groups.yaml"
    file.write_text("rollout: {phases: [0.2, 1.0], least_rows: 50, window: 100}\n")
    groups.write_text("rollout: {phases: [0.2, 1.0], judged_groups: [attic]}\n")
    assert "the fleet has no group attic" in site.edgeloop("policy", "set", groups, code=2)
    site.edgeloop("policy", "set", "--stream", "pumps", file)
    for number in range(DEVICES):
        site.report(f"p{number}")
    site.version(1)
    site.until(lambda: site.at(1) == DEVICES)
    site.bad = 2
    site.version(2)
    site.until(lambda: site.at(2) == 2)
    site.until(lambda: site.at(1) == DEVICES, rows=True)
    site.until(lambda: site.facts[-1].kind.value == "TURNED_BACK")
    (finding,) = site.facts[-1].evidence
    assert finding.new_errors / finding.new_rows == 0.6
    assert finding.old_errors / finding.old_rows == 0.1
    assert sorted(told.serial for told in site.told if told.version == 1 and told.serial) == [1, 1]
    refused = site.edgeloop("rollout", "pause", "pumps", "--why", "to see", code=2)
    assert "refused, OTHER_STAGE" in refused
    site.version(3)
    site.until(lambda: site.at(3) == 2)
    assert "paused, version 3" in site.edgeloop("rollout", "pause", "pumps", "--why", "the night shift sleeps", "--who", "ann")
    for _ in range(10):
        site.rows()
    assert json.loads(site.edgeloop("rollout", "resume", "pumps", "--why", "they are awake", "--json"))["kind"] == "RESUMED"
    site.until(lambda: site.at(3) == DEVICES, rows=True)
    site.until(lambda: site.facts[-1].kind.value == "DONE", rows=True)
    shown = json.loads(site.edgeloop("rollout", "show", "pumps", "--json"))
    assert (shown["version"], shown["stage"], shown["turned_back"]) == (3, "done", [2])
    assert [(fact["who"], fact["why"]) for fact in shown["facts"] if fact["kind"] == "PAUSED"] == [("ann", "the night shift sleeps")]
