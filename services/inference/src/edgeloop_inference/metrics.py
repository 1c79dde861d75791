"""Every metric that the device owns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "edgeloop_inference"


class Metrics:
    """Metrics of one device.

    Parameters
    ----------
    registry
        Where they are registered; one a process.
    log
        Logger of the process; says once when rows begin to be lost.
    noted
        Takes each error: its kind, its place, its message.
    """

    def __init__(self, registry: CollectorRegistry, log: Any, noted: Callable[[str, str, str], None] = lambda *_: None) -> None:
        self._log = log
        self._noted = noted
        self._losing = False
        # requests for inference, by the name of their gRPC status
        self.requests = Counter(f"{PREFIX}_requests", "Requests for inference", ["code"], registry=registry)
        self._ok = self.requests.labels("OK")
        # time in the servicer: decoding, model, outbox
        self.latency = Histogram(
            f"{PREFIX}_request_seconds",
            "Time from request to answer inside the server",
            buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
            registry=registry,
        )
        # rows answered, kept or not
        self.rows = Counter(f"{PREFIX}_rows", "Rows answered", registry=registry)
        # rows answered and not reported, as the configured sampling says
        self.unreported = Counter(f"{PREFIX}_unreported_rows", "Rows answered that sampling leaves out", registry=registry)
        # rows in the outbox: grows while the device is offline
        self.outbox_rows = Gauge(f"{PREFIX}_outbox_rows", "Rows that no broker has yet", registry=registry)
        # their bytes
        self.outbox_bytes = Gauge(f"{PREFIX}_outbox_bytes", "Bytes of rows that no broker has yet", registry=registry)
        # oldest rows dropped because the outbox was full: their numbers are missing downstream
        self.dropped = Gauge(f"{PREFIX}_outbox_dropped_rows", "Rows dropped since the start because the outbox was full", registry=registry)
        # rows answered and not kept because the disk could not be written
        self.lost = Gauge(f"{PREFIX}_outbox_lost_rows", "Rows answered since the start that could not be kept", registry=registry)
        # 1 while rows can be kept; 0 wants a look at the disk
        self.outbox_healthy = Gauge(f"{PREFIX}_outbox_healthy", "Whether answered rows can be kept", registry=registry)
        # batches that the broker acknowledged
        self.batches = Counter(f"{PREFIX}_batches", "Batches acknowledged by the broker", registry=registry)
        # deliveries that failed and are tried again
        self.failed_deliveries = Counter(f"{PREFIX}_failed_deliveries", "Deliveries that failed and are repeated", registry=registry)
        # models installed since the start
        self.installs = Counter(f"{PREFIX}_installs", "Models installed", ["stream"], registry=registry)
        # assigned models that were not taken
        self.refusals = Counter(f"{PREFIX}_refusals", "Models refused", ["stream", "reason"], registry=registry)
        # records about this device that cannot be, by what they are: report, assignment
        self.impossible = Counter(f"{PREFIX}_impossible_records", "Records about this device that cannot be", ["what"], registry=registry)
        # time from assignment to serving
        self.install_time = Histogram(
            f"{PREFIX}_install_seconds",
            "Time from taking up an assignment to serving",
            buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
            registry=registry,
        )
        # version that serves, by stream
        self.version = Gauge(f"{PREFIX}_model_version", "Version that serves", ["stream"], registry=registry)
        # adapters that came to answer since the start
        self.adapters = Counter(f"{PREFIX}_adapters", "Adapters applied", ["stream"], registry=registry)
        # adapters that were not taken; the mixture before serves on
        self.adapter_refusals = Counter(f"{PREFIX}_adapter_refusals", "Adapters refused", ["stream", "reason"], registry=registry)
        # adapter that answers together with the version, by stream; 0 for none
        self.adapter = Gauge(f"{PREFIX}_model_adapter", "Adapter that serves", ["stream"], registry=registry)
        # from an adapter's record in Kafka to its first answer here; the clocks of device and platform count
        self.adapter_age = Histogram(
            f"{PREFIX}_adapter_age_seconds",
            "Age of an adapter when it comes to answer",
            buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3600),
            registry=registry,
        )
        # 1 where mixtures answer with their memories; 0 where the device cannot afford them, or takes no adapters
        self.memories = Gauge(f"{PREFIX}_memories", "Whether mixtures answer with their memories", registry=registry)
        # bytes of records for models: what versions and what adapters cost the device's network
        self.received = Counter(f"{PREFIX}_received_bytes", "Bytes of records read", ["what"], registry=registry)
        # version of the configuration that runs; 0 for none
        self.config_version = Gauge(f"{PREFIX}_config_version", "Version of the configuration that runs", registry=registry)
        # 1 while a newer configuration is refused; the heartbeat says why
        self.config_refused = Gauge(f"{PREFIX}_config_refused", "Whether a newer configuration is refused", registry=registry)
        # 1 while rows and reports wait, since the device's key is not enrolled and its tenant takes enrolled devices alone
        self.held = Gauge(f"{PREFIX}_held", "Whether rows wait for the device's enrolment", registry=registry)
        # failures of what runs beside serving, such as an absent broker
        self.failures = Counter(
            f"{PREFIX}_background_failures", "Failures of background work, which is tried again", ["job"], registry=registry
        )

    def answered(self, seconds: float) -> None:
        """Count one request that was answered."""
        self._ok.inc()
        self.latency.observe(seconds)

    def not_kept(self, why: str) -> None:
        """Note that a request was answered without being kept."""
        if not self._losing:
            self._log.error("outbox cannot be written: answers go on, rows are lost", error=why)
        self._losing = True
        self._noted("OutboxUnavailableError", "outbox", why)

    def failed(self, job: str, error: Exception) -> None:
        """Note a failure of background work."""
        self.failures.labels(job).inc()
        self._noted(type(error).__name__, job, str(error))
        self._log.warning("trying again", job=job, error=f"{type(error).__name__}: {error}")
