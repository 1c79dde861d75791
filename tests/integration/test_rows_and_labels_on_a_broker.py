"""Ingestion and labels as processes: raw rows and labels on a real broker become examples, each once, over kills."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from edgeloop_contracts import ExampleBatch, Feature, Label, ObservationBatch, ObservationRow, StreamDefinition, topics
from edgeloop_streaming import Context
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.integration
ROWS = 400
SERVICES = ("ingestion", "labels")


def test_rows_meet_their_labels_once_although_both_services_are_killed(cluster: Cluster, tmp_path: Path) -> None:
    settings = cluster.settings()
    context = Context(settings, "test")
    publisher = context.publisher()
    features = (Feature(name="x"), Feature(name="y"))
    publisher.publish(
        topics.STREAMS,
        "default/pumps",
        StreamDefinition(tenant="default", stream="pumps", version=1, features=features, classes=("a", "b")),
    )
    assert publisher.flush(30) == 0

    def start(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", f"edgeloop_{name}"], env=environment(settings, name, tmp_path))

    running = {name: start(name) for name in SERVICES}
    try:
        for n in range(0, ROWS, 20):
            key = "default/pumps/d"
            rows = np.arange(n * 2, (n + 20) * 2, dtype="<f4").tobytes()
            batch = ObservationBatch(tenant="default", stream="pumps", device_id="d", boot_epoch=1, first_seq=n, count=20, features=rows)
            for _ in range(2):  # an outbox repeats rows whose delivery is uncertain
                publisher.publish(topics.OBSERVATIONS_RAW, key, batch)
            single = ObservationRow(tenant="default", stream="pumps", device_id="e", boot_epoch=1, seq=n, features=(1.0, 2.0))
            publisher.publish(topics.OBSERVATION_ROWS_RAW, "default/pumps/e", single)
            publisher.publish(
                topics.LABELS_RAW, "default/pumps/e", Label(tenant="default", stream="pumps", device_id="e", boot_epoch=1, seq=n, label="b")
            )
            for seq in range(n, n + 20):
                publisher.publish(
                    topics.LABELS_RAW, key, Label(tenant="default", stream="pumps", device_id="d", boot_epoch=1, seq=seq, label="a")
                )
            assert publisher.flush(30) == 0
            if n in (100, 200):
                name = SERVICES[n // 200]
                running[name].send_signal(signal.SIGKILL)
                running[name].wait()
                running[name] = start(name)
        examples: list[ExampleBatch] = []
        follower = context.follower([topics.EXAMPLES])
        deadline = time.monotonic() + 90
        while sum(len(e.seqs) for e in examples) < ROWS + ROWS // 20:
            examples += [record.event for record in follower.poll(0.2)]
            assert time.monotonic() < deadline
            assert all(process.poll() is None for process in running.values())
    finally:
        for process in running.values():
            process.terminate()
        codes = [process.wait(30) for process in running.values()]
    assert codes == [0, 0]
    assert [seq for e in examples if e.device_id == "d" for seq in e.seqs] == list(range(ROWS))
    assert [seq for e in examples if e.device_id == "e" for seq in e.seqs] == list(range(0, ROWS, 20))
    values = np.concatenate([np.frombuffer(e.features, "<f4") for e in examples if e.device_id == "d"])
    assert (values == np.arange(ROWS * 2)).all()
    dead: list[object] = []
    context.follower([topics.dead_letters(name) for name in SERVICES]).refresh(dead.append)
    assert dead == []
