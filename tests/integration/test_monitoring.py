"""Monitoring on a real broker: alerts appear once, under ids that outlive the process; broken bytes do no harm."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from confluent_kafka import Producer
from edgeloop_contracts import Alert, AlertKind, AlertStatus, DeviceReport, DeviceStatus, DriftPartial, ObservationBatch, topics
from edgeloop_local.ports import free_port
from edgeloop_streaming import Context
from support.processes import environment

pytestmark = pytest.mark.integration
QUICK = {"BUCKET_S": "0.5", "WINDOW_S": "4", "SILENCE_S": "3", "RAISE_AFTER_S": "0.5", "CLEAR_AFTER_S": "0.5", "ERROR_ROWS": "20"}


class Bench:
    """A cluster with monitoring's process, and its feed."""

    def __init__(self, cluster) -> None:
        self.settings = cluster.settings()
        self.context = Context(self.settings, "test")
        self.publisher = self.context.publisher()
        self.follower = self.context.follower([topics.ALERTS])
        self.alerts: list = []
        self.port = free_port()

    @contextmanager
    def process(self) -> Iterator[subprocess.Popen]:
        own = {f"EDGELOOP_MONITORING_{name}": value for name, value in QUICK.items()}
        running = subprocess.Popen(
            [sys.executable, "-m", "edgeloop_monitoring"], env=environment(self.settings, EDGELOOP_HTTP_PORT=str(self.port), **own)
        )
        try:
            self.until(lambda: self.get("/readyz") == "ok\n", 90, feed=False)
            yield running
        finally:
            running.kill()
            running.wait()

    def get(self, path: str) -> str:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}").text
        except httpx.HTTPError:
            return ""

    def feed(self, *, wrong: int, devices: tuple[str, ...] = ("d1", "d2")) -> None:
        """Ten rows per device, with a given number of wrong answers."""
        now = int(time.time() * 1000)
        for device in devices:
            key = f"default/s/{device}"
            batch = ObservationBatch(
                tenant="default",
                boot_epoch=0,
                first_seq=-1,
                stream="s",
                device_id=device,
                count=10,
                event_times=(now - 200,) * 10,
                model_version=1,
                answers=("a",) * 10,
            )
            errors = b"\1" * wrong + b"\0" * (10 - wrong)
            judged = DriftPartial(tenant="default", stream="s", device_id=device, model_version=1, count=10, errors=errors)
            self.publisher.publish(topics.OBSERVATIONS, key, batch)
            self.publisher.publish(topics.DRIFT_PARTIALS, "default/s", judged)
        assert self.publisher.flush() == 0

    def until(self, done: Callable[[], bool], seconds: float = 60, *, feed: bool = True, **how) -> None:
        """Feed until the condition holds."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.alerts
            if feed:
                self.feed(**how)
            self.alerts += self.follower.poll(0.2)

    def told(self, kind: AlertKind, status: AlertStatus) -> list[Alert]:
        return [a.event for a in self.alerts if (a.event.kind, a.event.status) == (kind, status)]


def test_alerts_are_raised_once_outlive_the_process_and_are_cleared_under_the_same_id(cluster) -> None:
    bench = Bench(cluster)

    def raised() -> list[Alert]:
        return bench.told(AlertKind.ERROR_SHARE, AlertStatus.RAISED)

    with bench.process():
        bench.until(lambda: bool(raised()), wrong=8)
        metrics = bench.get("/metrics")
        assert 'edgeloop_monitoring_alert_active{group="default",kind="ERROR_SHARE",stream="s",tenant="default",version="1"} 1.0' in metrics
        assert "edgeloop_monitoring_event_age_seconds{" in metrics
        assert 'edgeloop_consumer_lag{partition="0",topic="drift.partials"}' in metrics
    record = next(a for a in bench.alerts if a.event.kind is AlertKind.ERROR_SHARE)
    assert record.key == "default/s"
    assert record.headers["ce_causationat"].decode().startswith("drift.partials/")
    with bench.process():  # killed and restarted while the condition still holds
        end = time.monotonic() + 4
        bench.until(lambda: time.monotonic() > end, wrong=8)
        assert len(raised()) == 1
        bench.until(lambda: bool(bench.told(AlertKind.ERROR_SHARE, AlertStatus.CLEARED)), wrong=0)
    (cleared,) = bench.told(AlertKind.ERROR_SHARE, AlertStatus.CLEARED)
    assert cleared.alert_id == raised()[0].alert_id
    assert cleared.since == raised()[0].since


def test_silence_refusals_and_broken_bytes_are_seen(cluster) -> None:
    bench = Bench(cluster)
    producer = Producer({"bootstrap.servers": bench.settings.bootstrap})
    producer.produce(bench.settings.topic_prefix + topics.DRIFT_PARTIALS.name, b"\x80\x04no avro", key=b"default/s", partition=0)
    producer.flush()
    refusal = DeviceReport(tenant="default", stream="s", device_id="d2", status=DeviceStatus.REFUSED, reason="SIGNATURE")
    bench.publisher.publish(topics.FLEET_REPORTED, "default/s/d2", refusal)
    bench.feed(wrong=0)
    with bench.process() as running:
        bench.until(lambda: bool(bench.told(AlertKind.SILENT_DEVICES, AlertStatus.RAISED)), wrong=0, devices=("d1",))
        bench.until(lambda: bool(bench.told(AlertKind.REFUSED_MODEL, AlertStatus.RAISED)), wrong=0, devices=("d1",))
        assert bench.told(AlertKind.SILENT_DEVICES, AlertStatus.RAISED)[0].devices == ("d2",)
        assert 'edgeloop_monitoring_undecodable_total{reason="NOT_AVRO",topic="drift.partials"} 1.0' in bench.get("/metrics")
        running.terminate()
        assert running.wait(20) == 0
