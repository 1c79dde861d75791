"""Composition root of a device."""

from __future__ import annotations

import threading
import time
from typing import Any

from edgeloop_kafka import KafkaSettings
from edgeloop_mixture.rule import Rule
from edgeloop_streaming import CannotListenError, Context, HealthServer, StopSignal
from prometheus_client import CollectorRegistry

from edgeloop_inference.core.bandwidth import Bandwidth
from edgeloop_inference.core.error_log import ErrorLog
from edgeloop_inference.io.adapter_updates import AdapterUpdates
from edgeloop_inference.io.assignments import AssignmentHandler
from edgeloop_inference.io.background import Background
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.fleet_presence import FleetPresence
from edgeloop_inference.io.installation import Installation
from edgeloop_inference.io.kafka_clients import Kafka
from edgeloop_inference.io.mixture_builder import MixtureBuilder
from edgeloop_inference.io.model_store import ModelStore
from edgeloop_inference.io.models import Models, Serving
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.outbox_sender import Sender
from edgeloop_inference.io.servicer import InferenceServicer, Limits
from edgeloop_inference.io.startup import (
    CannotStartError,
    check_names,
    locked,
    opened_outbox,
    opened_server,
    salt_of,
    signer_of,
    token_of_settings,
    trust_of,
    verification_of,
)
from edgeloop_inference.metrics import Metrics
from edgeloop_inference.settings import Settings
from edgeloop_inference.spec import SPEC

GRACE_S = 2.0
# On a slow link a fetch or batch of the default size exceeds the request's time limit, and would repeat for ever.
SLOW_LINK = {"socket.timeout.ms": "60000", "fetch.message.max.bytes": str(256 << 10), "batch.size": str(256 << 10)}


class Device:
    """Everything that one device runs.

    Parameters
    ----------
    settings
        Of the device.
    kafka
        Source of its Kafka clients; may be unreachable for days.
    registry
        Where its metrics are registered.
    log
        Logger of the process.

    Raises
    ------
    CannotStartError
        The trust files cannot be used, another process has the data, or the port is taken.
    """

    def __init__(self, settings: Settings, kafka: Kafka, registry: CollectorRegistry, log: Any) -> None:
        check_names(settings)
        trust = trust_of(settings)
        learns = settings.adapters and settings.adapter_trust_file is not None
        if settings.adapters and not learns:
            log.warning("no adapters are taken: versions answer alone", missing="EDGELOOP_INFERENCE_ADAPTER_TRUST_FILE")
        self._lock = locked(settings.data_dir)
        signer = signer_of(settings.data_dir)
        self._log = log
        self._stopping = threading.Event()
        errors = ErrorLog(settings.tenant, settings.device, time.time)
        self._metrics = Metrics(registry, log, errors.note)
        self._models = Models(settings.stream_names, self._installed)
        self._outbox = opened_outbox(settings, self._rows_came)
        self._watch_outbox(self._outbox)
        token, bandwidth = token_of_settings(settings), Bandwidth(time.monotonic)
        self._sender = Sender(
            kafka,
            self._outbox,
            self._metrics,
            settings.tenant,
            settings.device,
            settings.linger_ms / 1000,
            self._stopping,
            signer,
            bandwidth,
        )
        self._presence = FleetPresence(
            settings, token, signer, self._outbox, self._models, self._metrics, self._sender, bandwidth, errors, self._stopping, log
        )
        self._metrics.memories.set(learns and settings.memories)
        store = ModelStore(settings.data_dir / "models")
        verification = verification_of(settings, trust)
        self._builder = adapter_updates = None
        if learns:
            rule = Rule()
            folder = settings.data_dir / "adapters"
            self._builder = MixtureBuilder(folder, verification, self._models, store, rule, memories=settings.memories)
            adapter_updates = AdapterUpdates(self._builder, self._models, verification, settings.tenant, rule.horizon)
        definitions = Definitions(settings.data_dir / "definitions", salt_of(settings.data_dir))
        self._installation = Installation(verification, store, self._models, definitions, self._builder)
        self._assignments = AssignmentHandler(
            kafka,
            self._installation,
            self._models,
            definitions,
            self._outbox,
            self._metrics,
            adapter_updates,
            self._presence.member,
            self._sender.report,
            settings.tenant,
            settings.device,
            self._stopping,
            log,
        )
        limits = Limits(settings.request_max_rows, settings.grpc_max_message_bytes, max(1, settings.grpc_workers // 2))
        servicer = InferenceServicer(
            self._models, definitions, self._outbox, self._metrics, limits, self._presence.activity, self._presence.sampler
        )
        self._server = opened_server(servicer, settings)
        self._background = [
            Background(name, job, self._metrics.failed, self._stopping)
            for name, job in (
                ("sender", self._sender.run),
                ("installer", self._assignments.run),
                ("heartbeats", self._presence.heartbeats.run),
            )
        ]
        self._presence.streams_changed = self._streams_changed
        self._presence.member.restore()

    @property
    def port(self) -> int:
        """Port of the gRPC server."""
        return self._server.port

    @property
    def ready(self) -> bool:
        """Whether at least one model answers."""
        return self._models.ready

    def start(self) -> None:
        """Load the last models, begin to answer, and start the background jobs."""
        for problem in self._installation.restore():
            self._log.error("installed model not loaded", error=problem)
        self._server.start()
        for job in self._background:
            job.start()

    def stop(self) -> None:
        """Answer requests in flight, send the outbox if a broker is reachable, and end."""
        self._server.stop(GRACE_S)
        self._stopping.set()
        self._sender.wake()
        self._presence.heartbeats.stop()
        ended = [job.join(GRACE_S) for job in self._background]
        if ended[0]:
            self._sender.drain(GRACE_S)
            self._outbox.close()
        if ended[1] and self._builder is not None:
            self._builder.close()
        self._lock.close()

    def _streams_changed(self) -> None:
        self._assignments.begin_again()
        self._server.set_ready(self._models.ready)

    def _rows_came(self) -> None:
        self._sender.wake()

    def _installed(self, model: Serving) -> None:
        self._metrics.version.labels(model.stream).set(model.version)
        self._metrics.adapter.labels(model.stream).set(model.adapter)
        self._server.set_ready(True)

    def _watch_outbox(self, outbox: Outbox) -> None:
        self._metrics.outbox_rows.set_function(lambda: outbox.rows)
        self._metrics.outbox_bytes.set_function(lambda: outbox.bytes)
        self._metrics.dropped.set_function(lambda: outbox.dropped)
        self._metrics.lost.set_function(lambda: outbox.lost)
        self._metrics.outbox_healthy.set_function(lambda: float(outbox.healthy))


def run(settings: Settings, shared: KafkaSettings) -> int:
    """Run a device until SIGTERM or SIGINT; give back the exit code.

    Raises
    ------
    CannotStartError
        See :class:`Device`.
    """
    stop = StopSignal()
    stop.listen()
    context = Context(shared.model_copy(update={"extra": {**SLOW_LINK, **shared.extra}}), SPEC.name)
    log = context.log.bind(device=settings.device)
    device = Device(settings, context, context.metrics, log)
    # Alive as long as it answers: a device with a full disk still serves, and its metrics show the disk.
    http = HealthServer(shared.http_host, shared.http_port, context.metrics, healthy=lambda: True, ready=lambda: device.ready)
    try:
        if shared.http_port:
            http.start()
    except CannotListenError as error:
        raise CannotStartError(str(error)) from error
    device.start()
    log.info("serving", grpc=f"{settings.grpc_host}:{device.port}", ready=device.ready)
    while not stop():
        time.sleep(0.1)
    device.stop()
    log.info("stopped")
    return 0
