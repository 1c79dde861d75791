"""Retention that overtakes a service: the gap is visible from outside, and a skip moves the halted partition alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from edgeloop_cli import skip
from edgeloop_cli.main import build
from edgeloop_contracts import ObservationBatch, topics
from edgeloop_streaming import Context
from support.processes import environment
from typer.testing import CliRunner

pytestmark = pytest.mark.doors
RAW = topics.OBSERVATIONS_RAW


class Scene:
    """The toy service, its input, and the command."""

    def __init__(self, cluster: Any) -> None:
        self.settings = cluster.settings()
        self.context = Context(self.settings, "test")
        self.publisher = self.context.publisher()
        self.environment = environment(self.settings)
        self.count = 0

    def give(self, count: int) -> None:
        for n in range(self.count, self.count + count):
            self.publisher.publish(
                RAW,
                "default/s/d",
                ObservationBatch(tenant="default", boot_epoch=0, stream="s", device_id="d", first_seq=n, count=1),
                partition=0,
            )
        assert self.publisher.flush() == 0
        self.count += count

    def lose_before(self, offset: int) -> None:
        place = TopicPartition(self.settings.topic_prefix + RAW.name, 0, offset)
        admin = AdminClient({"bootstrap.servers": self.settings.bootstrap})  # kept: the futures of a collected client never resolve
        for answer in admin.delete_records([place]).values():
            answer.result(60)

    def service(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "support.toy"], env=self.environment)

    def handled(self) -> list[int]:
        found: list[Any] = []
        follower = self.context.follower([topics.OBSERVATIONS])
        follower.refresh(found.append)
        follower.close()
        return [record.event.first_seq for record in found]

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline, self.handled()
            time.sleep(0.2)

    def call(self, *words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(build(), list(words), env=self.environment)
        assert result.exit_code == code, (result.output, result.exception)
        return json.loads(result.stdout) if "--json" in words else result.output


def test_a_halt_is_listed_let_go_once_and_refused_where_there_is_none(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skip, "WAIT_S", 1.0)
    scene = Scene(cluster)
    scene.give(3)
    running = scene.service()
    scene.until(lambda: len(scene.handled()) == 3)
    assert "no partition is halted" in scene.call("skip")
    asked = ("skip", "ingestion", f"{RAW.name}/0", "--who", "me", "--why", "gone")
    assert "not halted at observations.raw/0: it stands at offset 3" in scene.call(*asked, code=2)
    assert "has handled nothing" in scene.call("skip", "ingestion", f"{RAW.name}/1", "--why", "gone", code=2)
    assert "no service 'nobody'" in scene.call("skip", "nobody", f"{RAW.name}/0", "--why", "gone", code=2)
    running.kill()
    running.wait()
    scene.give(7)
    scene.lose_before(8)
    (halted,) = scene.call("skip", "--json")
    assert halted == {"service": "ingestion", "topic": RAW.name, "partition": 0, "first": 3, "end": 8}
    told = scene.call("status", "--json", code=1)
    assert any("ingestion is halted" in line and "edgeloop skip" in line for line in told["not_working"])
    assert "--why: expected a text" in scene.call("skip", "ingestion", f"{RAW.name}/0", code=2)
    assert "will continue at offset 8 when it runs" in scene.call(*asked)
    assert "me has requested this already" in scene.call(*asked, code=2)
    running = scene.service()
    try:
        scene.until(lambda: len(scene.handled()) == 5)
        assert scene.handled() == [0, 1, 2, 8, 9]
        assert "not halted" in scene.call(*asked, code=2)
        reader = scene.context.reader()
        (gap,) = reader.read(topics.GAPS, 0, 0, reader.end(topics.GAPS, 0))
        assert (gap.event.first, gap.event.end, gap.event.who, gap.event.why) == (3, 8, "me", "gone")
        reader.close()
    finally:
        running.terminate()
        assert running.wait(30) == 0
