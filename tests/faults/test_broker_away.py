"""A broker that is away for longer than producers usually wait: a device's rows still arrive, once and in order."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import structlog
from edgeloop_contracts import ObservationBatch, topics
from edgeloop_inference.core.bandwidth import Bandwidth
from edgeloop_inference.io.background import Background
from edgeloop_inference.io.identity import device_signer
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.outbox_sender import Sender
from edgeloop_inference.metrics import Metrics
from edgeloop_local import LocalStack
from edgeloop_streaming import Context
from faults.scene import create
from prometheus_client import CollectorRegistry
from support.broker import Cluster
from support.checker import Checker, Findings, check_rows, rows_of

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(240)]
AWAY_S = 35  # beyond the 30 s after which producers give up
EVERY_S = 0.5  # so that at any moment some rows have waited longer than that


def test_rows_come_in_order_when_a_broker_is_back_after_a_long_time(own: Cluster, stack: LocalStack, tmp_path: Path) -> None:
    settings = own.settings(topics=False)
    create(settings, [topics.OBSERVATIONS_RAW, topics.FLEET_REPORTED])
    row = ObservationBatch(
        tenant="default",
        device_id="",
        boot_epoch=0,
        first_seq=-1,
        stream="pumps",
        count=1,
        features=bytes(8),
        event_times=(5,),
        model_version=1,
        answers=("good",),
    )
    stopping = threading.Event()
    outbox = Outbox(tmp_path, max_rows=1000, max_bytes=1 << 20)
    outbox.claim(0)
    metrics = Metrics(CollectorRegistry(), structlog.get_logger())
    sender = Sender(
        Context(settings, "inference"),
        outbox,
        metrics,
        "default",
        "p1",
        0.05,
        stopping,
        device_signer(tmp_path / "keys"),
        Bandwidth(time.monotonic),
    )
    sending = Background("sender", sender.run, metrics.failed, stopping)
    sending.start()
    sent = 0
    try:
        os.kill(stack.kafka.child.pid, signal.SIGKILL)
        until = time.monotonic() + AWAY_S
        while time.monotonic() < until:
            outbox.append(row)
            sender.wake()
            sent += 1
            time.sleep(EVERY_S)
        stack.restart(stack.kafka)
        deadline = time.monotonic() + 60
        while outbox.rows:
            assert time.monotonic() < deadline, f"{outbox.rows} rows were not delivered"
            outbox.settle()
            time.sleep(0.1)
    finally:
        stopping.set()
        sender.wake()
        assert sending.join(30)
    found = Findings()
    came = rows_of(Checker(own.bootstrap, settings.topic_prefix).read("observations.raw", "ObservationBatch"))
    check_rows("rows", [("p1", 1, n) for n in range(sent)], came, found)
    assert found.wrong == 0, str(found)
