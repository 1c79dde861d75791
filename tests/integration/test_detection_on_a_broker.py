"""Detection and retraining as processes: a rising error on a real broker becomes a request."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from random import Random

import pytest
from edgeloop_contracts import CampaignState, ExampleBatch, StartTraining, TrainingRequest, topics
from edgeloop_streaming import Context
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.integration


def batch(n: int, count: int, rate: float, version: int) -> ExampleBatch:
    draw = Random(n)
    answers = tuple(("b" if draw.random() < rate else "a") if version else "" for _ in range(count))
    return ExampleBatch(tenant="default",
        stream="pumps", device_id="d", boot_epoch=1, first_index=n, seqs=tuple(range(n, n + count)), labels=("a",) * count, answers=answers,
        model_versions=(version,) * count, features=bytes(4 * count),
    )  # fmt: skip


def until(done: Callable[[], bool], running: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 90
    while not done():
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in running)


def test_a_command_and_a_rising_error_become_requests(cluster: Cluster) -> None:
    settings = cluster.settings()
    context = Context(settings, "test")
    running = [subprocess.Popen([sys.executable, "-m", f"edgeloop_{name}"], env=environment(settings)) for name in ("drift", "retraining")]
    try:
        publisher = context.publisher()
        publisher.publish(
            topics.RETRAINING_COMMANDS, "default/pumps", StartTraining(tenant="default", stream="pumps", command_id="first", rows=310)
        )
        assert publisher.flush(30) == 0
        # A command counts from the newest row known when it is handled: the rows wait for it here.
        state = context.follower([topics.state("retraining")])
        until(lambda: any(isinstance(record.event, CampaignState) for record in state.poll(0.2)), running)
        for n in range(0, 3000, 20):
            rate, version = (0.1 if n < 2000 else 0.5), int(n >= 400)
            publisher.publish(topics.EXAMPLES, "default/pumps/d", batch(n, 20, rate, version))
        assert publisher.flush(30) == 0
        follower = context.follower([topics.TRAINING_REQUESTS])
        asked: list[TrainingRequest] = []

        def three() -> bool:
            asked.extend(record.event for record in follower.poll(0.2))
            return len(asked) >= 3

        until(three, running)
        first, *later = asked
        assert (first.request_id, first.row, first.manifest.rows) == ("first/0", 310, 310)
        assert [(r.stage, r.manifest.rows) for r in later] == [(0, 200), (1, 600)]
        assert 2000 < later[0].row - 200 < 2200
        assert first.manifest.cluster_id
        assert later[0].cause.at.startswith("drift.signals/")
        (lying,) = later[0].manifest.ranges
        assert lying.end_index - lying.first_index == 200
        assert lying.first_index // 20 == lying.first_offset
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)
