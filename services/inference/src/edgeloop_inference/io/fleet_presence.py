"""The device's presence in its fleet: heartbeats, errors, enrolment, and the configuration that it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from edgeloop_contracts import EnrolmentRequest, topics
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.enrolment import Token
from edgeloop_streaming import LOG_THRESHOLD

from edgeloop_inference.core.bandwidth import Bandwidth
from edgeloop_inference.core.configuration import Resolution, Running
from edgeloop_inference.core.error_log import ErrorLog
from edgeloop_inference.core.sampler import Sampler
from edgeloop_inference.core.stream_activity import StreamActivity
from edgeloop_inference.io.fleet_member import FleetMember
from edgeloop_inference.io.heartbeats import Heartbeats
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.outbox_sender import Offer, Sender
from edgeloop_inference.io.vitals import ProcessVitals
from edgeloop_inference.metrics import Metrics
from edgeloop_inference.settings import Settings


class FleetPresence:
    """Applies to the device's parts what the fleet says, and tells the fleet how they are.

    Parameters
    ----------
    settings
        Of the device.
    token
        Lets the device ask to be enrolled; ``None`` for none.
    signer
        The device's key.
    outbox, models, metrics, sender, bandwidth, errors
        Parts of the device.
    stopping
        Ends the thread of heartbeats.
    log
        Logger of the process.

    Attributes
    ----------
    activity
        Counts requests for the heartbeats.
    sampler
        Chooses the rows that are reported.
    member
        Takes records of the fleet.
    heartbeats
        Job of a thread.
    streams_changed
        Called after other streams are served than before.
    """

    def __init__(
        self,
        settings: Settings,
        token: Token | None,
        signer: RecordSigner,
        outbox: Outbox,
        models: Models,
        metrics: Metrics,
        sender: Sender,
        bandwidth: Bandwidth,
        errors: ErrorLog,
        stopping: threading.Event,
        log: Any,
    ) -> None:
        self._outbox = outbox
        self._models = models
        self._metrics = metrics
        self._sender = sender
        self._bandwidth = bandwidth
        self._log = log
        self._held = False
        self.activity = StreamActivity()
        self.sampler = Sampler()
        self.streams_changed: Callable[[], None] = lambda: None
        tenant, device = settings.tenant, settings.device
        vitals = ProcessVitals(settings.data_dir)
        self.heartbeats = Heartbeats(tenant, device, sender, outbox, models, self.activity, errors, vitals, settings.heartbeat_s, stopping)
        self.member = FleetMember(
            tenant,
            device,
            signer.signer.key_id,
            own_settings(settings),
            settings.data_dir / "fleet.json",
            self._configure,
            self._hold,
            None if token is None else _asking(tenant, device, token, signer, sender),
        )

    def _configure(self, resolution: Resolution, refused: str) -> None:
        running = resolution.running
        self.sampler.share = running.sampling
        self._outbox.limit(running.outbox_rows, running.outbox_bytes)
        self._bandwidth.limit = running.bandwidth
        self._sender.wake()
        LOG_THRESHOLD.set(running.log_level)
        self.heartbeats.seconds = running.heartbeat_s
        if self._models.serve(running.streams):
            self.streams_changed()
        if (resolution.version, refused) != self.heartbeats.config:
            self._log.info("configuration", version=resolution.version, refused=refused, **asdict(running))
        self.heartbeats.config = (resolution.version, refused)
        self._metrics.config_version.set(resolution.version)
        self._metrics.config_refused.set(bool(refused))

    def _hold(self, held: bool) -> None:
        if held and not self._held:
            self._log.warning("rows wait: the tenant admits enrolled devices alone, and this device's key is not enrolled")
        self._held = held
        self._metrics.held.set(held)
        self._sender.hold(held)


def own_settings(settings: Settings) -> Running:
    """Settings of the device itself, which count where the fleet's configuration says nothing."""
    return Running(
        sampling=1.0,
        outbox_rows=settings.outbox_max_rows,
        outbox_bytes=settings.outbox_max_bytes,
        streams=settings.stream_names,
        log_level="INFO",
        heartbeat_s=settings.heartbeat_s,
    )


def _asking(tenant: str, device: str, token: Token, signer: RecordSigner, sender: Sender) -> Callable[[], None]:
    public = signer.signer.key.public_key().public_bytes_raw()
    proof = token.proof(tenant, device, public)
    request = EnrolmentRequest(tenant=tenant, device_id=device, public_key=public, token_id=token.token_id, proof=proof)
    return lambda: sender.offer("", Offer(topics.FLEET_ENROLMENTS, lambda: request, held=False))
