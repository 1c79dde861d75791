"""Sensors without sequence numbers, on a real broker: each row is taken once, over kills, from any partition."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from edgeloop_contracts import (
    Event,
    ExampleBatch,
    Feature,
    Label,
    NamedRow,
    ObservationBatch,
    ObservationRow,
    StreamDefinition,
    Topic,
    topics,
)
from edgeloop_streaming import Context
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.doors
ROWS = 300
KILLED_AT = (60, 130, 200)


def record(n: int) -> tuple[Topic, Event]:
    """Row ``n`` in one of four forms, each from its own device; ``x`` identifies the row."""
    values, asked = (float(n), 2.0), f"r{n}"
    match n % 4:
        case 0:
            return topics.OBSERVATION_ROWS_RAW, ObservationRow(
                tenant="default", stream="boiler", device_id="asked", features=values, request_id=asked
            )
        case 1:
            return topics.OBSERVATION_ROWS_RAW, ObservationRow(tenant="default", stream="boiler", device_id="placed", features=values)
        case 2:
            features = {"y": 2.0, "x": float(n)}
            return topics.OBSERVATION_NAMED_RAW, NamedRow(
                tenant="default", stream="boiler", device_id="named", features=features, request_id=asked
            )
        case _:
            rows = np.array([values], "<f4").tobytes()
            batch = ObservationBatch(
                tenant="default",
                boot_epoch=0,
                first_seq=-1,
                stream="boiler",
                device_id="batched",
                count=1,
                features=rows,
                request_ids=(asked,),
            )
            return topics.OBSERVATIONS_RAW, batch


def test_rows_without_a_counter_go_in_once_and_are_labelled_by_request(cluster: Cluster, tmp_path: Path) -> None:
    settings = cluster.settings()
    context = Context(settings, "test")
    publisher = context.publisher()
    features = (Feature(name="x"), Feature(name="y"))
    publisher.publish(
        topics.STREAMS,
        "default/boiler",
        StreamDefinition(tenant="default", stream="boiler", version=1, features=features, classes=("a", "b")),
    )
    assert publisher.flush(30) == 0

    def start(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", f"edgeloop_{name}"], env=environment(settings, name, tmp_path))

    running = {name: start(name) for name in ("ingestion", "labels")}
    found: list[ObservationBatch | ExampleBatch] = []
    try:
        for n in range(ROWS):
            topic, event = record(n)
            for _ in range(1 if n % 4 == 1 or n % 3 else 2):  # at least once, as bridges send; a row without any id counts as new each time
                publisher.publish(topic, f"bridge-{n}", event)  # a key without the device, so any partition
            if n % 4 != 1:
                label = Label(tenant="default", stream="boiler", device_id=getattr(event, "device_id", ""), request_id=f"r{n}", label="a")
                publisher.publish(topics.LABELS_RAW, f"bridge-{n}", label)
            assert publisher.flush(30) == 0
            if n in KILLED_AT:
                running["ingestion"].send_signal(signal.SIGKILL)
                running["ingestion"].wait()
                running["ingestion"] = start("ingestion")
        follower = context.follower([topics.OBSERVATIONS, topics.EXAMPLES])
        deadline = time.monotonic() + 120
        while sum(e.count if isinstance(e, ObservationBatch) else len(e.seqs) for e in found) < ROWS + ROWS * 3 // 4:
            found += [one.event for one in follower.poll(0.2)]
            assert time.monotonic() < deadline
    finally:
        for process in running.values():
            process.terminate()
        codes = [process.wait(30) for process in running.values()]
    assert codes == [0, 0]
    observed = [e for e in found if isinstance(e, ObservationBatch)]
    examples = [e for e in found if isinstance(e, ExampleBatch)]
    for place, device in enumerate(("asked", "placed", "named", "batched")):
        own = [e for e in observed if e.device_id == device]
        assert {e.boot_epoch for e in own} == {-1}
        assert [seq for e in own for seq in range(e.first_seq, e.first_seq + e.count)] == list(range(ROWS // 4))
        values = np.concatenate([np.frombuffer(e.features, "<f4").reshape(-1, 2)[:, 0] for e in own])
        assert sorted(values.tolist()) == list(range(place, ROWS, 4))
        labelled = sorted(seq for e in examples if e.device_id == device for seq in e.seqs)
        assert labelled == ([] if device == "placed" else list(range(ROWS // 4)))
    dead: list[object] = []
    context.follower([topics.dead_letters(name) for name in running]).refresh(dead.append)
    assert dead == []
