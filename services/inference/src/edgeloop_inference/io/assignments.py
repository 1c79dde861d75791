"""Follows what the fleet assigns to this device, and reports what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from edgeloop_contracts import Assignment, Cause, DeviceReport, DeviceStatus, StreamDefinition, topics
from edgeloop_contracts.plausibility import MOST_EPOCHS, impossible_report, is_name
from edgeloop_contracts.texts import cut
from edgeloop_kafka import Received

from edgeloop_inference.core.version_admission import Action, Reason, RefusalError
from edgeloop_inference.io.adapter_updates import Adapting, Outcome
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.installation import Installation
from edgeloop_inference.io.kafka_clients import Follower, Kafka, MeteredReader, Reader
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.outbox_sender import Report
from edgeloop_inference.metrics import Metrics

POLL_S = 0.2
SHOWN = 200


class Installer:
    """Owns the device's consumers; runs in one thread.

    Parameters
    ----------
    kafka
        Makes the consumers.
    installation, models, definitions, outbox, metrics
        Of the device.
    adapting
        Takes adapters; ``None`` on a device that takes none.
    report
        Takes a report for sending.
    tenant, device
        Whose assignments these are.
    stopping
        Ends :meth:`run`.
    log
        Logger of the process.
    """

    def __init__(
        self,
        kafka: Kafka,
        installation: Installation,
        models: Models,
        definitions: Definitions,
        outbox: Outbox,
        metrics: Metrics,
        adapting: Adapting | None,
        report: Callable[[Report], None],
        tenant: str,
        device: str,
        stopping: threading.Event,
        log: Any,
    ) -> None:
        self._kafka = kafka
        self._installation = installation
        self._models = models
        self._definitions = definitions
        self._outbox = outbox
        self._metrics = metrics
        self._adapting = adapting
        self._report = report
        self._tenant = tenant
        self._device = device
        self._stopping = stopping
        self._log = log
        self._defined: dict[str, StreamDefinition] = {}
        self._wishes: dict[str, Received[Assignment]] = {}
        self._seen: dict[str, str] = {}
        self._announced: set[str] = set()
        self._reader: Reader | None = None

    def run(self) -> None:
        """Follow until told to stop; a failure of Kafka raises, and the next call begins anew."""
        if not self._outbox.claimed:
            self._claim()
        followed = [topics.STREAMS, topics.ROLLOUT_ASSIGNMENTS]
        if self._adapting is not None:
            self._adapting.begin()
            followed.append(topics.MODEL_ADAPTERS)
        follower = self._kafka.follower(followed)
        try:
            follower.refresh(self.take)
            while not self._stopping.is_set():
                self.act(follower)
                for received in follower.poll(POLL_S):
                    self.take(received)
        finally:
            follower.close()
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def take(self, received: Received[Any]) -> None:
        """Note a definition, an assignment or what was learned; of several assignments of a stream, the newest counts."""
        match received.event:
            case StreamDefinition() as definition if definition.tenant == self._tenant:
                if self._models.concerns(definition.stream):
                    self._models.learn(definition.stream)
                    self._defined[definition.stream] = definition
            case Assignment(tenant=self._tenant, device_id=self._device, stream=stream) if not is_name(stream):
                self._impossible("assignment", received, f"stream: {cut(stream, SHOWN)!r} is no name")
            case Assignment(tenant=self._tenant, device_id=self._device) as assignment:
                if not self._models.concerns(assignment.stream):
                    return
                # A new follower reads from the beginning: what was dealt with, and what came before it, is done.
                if self._seen.get(assignment.stream) == received.at:
                    self._wishes.pop(assignment.stream, None)
                else:
                    self._wishes[assignment.stream] = received
            case _:
                if self._adapting is not None:
                    self._metrics.received.labels("adapters").inc(len(received.raw))
                    self._adapting.take(received)

    def act(self, follower: Follower) -> None:
        """Announce streams that are new to this process, and take up new assignments and adapters."""
        self._define()
        for stream in self._models.known:
            if stream not in self._announced:
                self._announced.add(stream)
                self._say(stream, DeviceStatus.ONLINE, None)
        for stream, wish in list(self._wishes.items()):
            self._fulfil(stream, wish, follower)
            self._seen[stream] = wish.at
            # A newer one may have come while this one was taken up.
            if self._wishes[stream] is wish:
                del self._wishes[stream]
        if self._adapting is not None:
            for outcome in self._adapting.act(self._chunks):
                self._tell(outcome)

    def _define(self) -> None:
        """Let the newest definitions count. Read again from the beginning, older ones come first, which may mask less."""
        for definition in self._defined.values():
            self._definitions.learn(definition)
        self._defined.clear()

    def _tell(self, outcome: Outcome) -> None:
        stream, refusal = outcome.stream, outcome.refusal
        if refusal is None:
            self._metrics.adapters.labels(stream).inc()
            self._metrics.adapter_age.observe(max(0.0, time.time() - outcome.received.timestamp / 1000))
            self._say(stream, DeviceStatus.INSTALLED, outcome.received.cause)
            return
        self._metrics.adapter_refusals.labels(stream, refusal.reason.value).inc()
        self._log.warning("adapter refused", stream=stream, adapter=outcome.number, reason=refusal.reason.value, message=refusal.message)
        self._say(stream, DeviceStatus.REFUSED, outcome.received.cause, refused_adapter=outcome.number, refusal=refusal)

    def _fulfil(self, stream: str, wish: Received[Assignment], follower: Follower) -> None:
        assignment = wish.event
        started = time.monotonic()
        try:
            action = self._try(assignment, follower)
        except RefusalError as refusal:
            self._metrics.refusals.labels(stream, refusal.reason.value).inc()
            if refusal.reason is Reason.IMPOSSIBLE:
                self._metrics.impossible.labels("assignment").inc()
            self._log.warning(
                "model refused", stream=stream, version=assignment.version, reason=refusal.reason.value, message=refusal.message
            )
            self._say(stream, DeviceStatus.REFUSED, wish.cause, refused=max(0, assignment.version) or None, refusal=refusal)
        else:
            self._say(stream, DeviceStatus.INSTALLED, wish.cause)
            if action is Action.INSTALL:
                took = time.monotonic() - started
                self._metrics.installs.labels(stream).inc()
                self._metrics.install_time.observe(took)
                self._log.info("model installed", stream=stream, version=assignment.version, seconds=round(took, 3))

    def _try(self, assignment: Assignment, follower: Follower) -> Action:
        try:
            return self._installation.install(assignment, self._definitions.get(assignment.stream), self._chunks)
        except RefusalError as refusal:
            if refusal.reason is not Reason.DEFINITION:
                raise
        # The topics are not ordered among each other: the definition may be on its way.
        follower.refresh(self.take)
        self._define()
        return self._installation.install(assignment, self._definitions.get(assignment.stream), self._chunks)

    def _chunks(self) -> Reader:
        if self._reader is None:
            self._reader = MeteredReader(self._kafka.reader(), self._metrics.received.labels("versions").inc)
        return self._reader

    def _claim(self) -> None:
        """See whether this device has reported an epoch before: then its disk was lost, and its numbers begin anew.

        Anybody may have written there. What this device cannot have said is told and passed over; it goes on with the rest.
        """
        seen = 0

        def look(received: Received[Any]) -> None:
            nonlocal seen
            match received.event:
                case DeviceReport(tenant=self._tenant, device_id=self._device) as report:
                    # Under another key it would outlive what this device says of itself.
                    own = received.key == topics.FLEET_REPORTED.key_of(report)
                    why = impossible_report(report) if own else f"its key is {cut(received.key, SHOWN)!r}"
                    if why:
                        self._impossible("report", received, why)
                    else:
                        seen = max(seen, report.boot_epoch)
                case _:
                    return

        follower = self._kafka.follower([topics.FLEET_REPORTED])
        try:
            follower.refresh(look)
        finally:
            follower.close()
        if seen >= MOST_EPOCHS:
            self._log.error("no epochs are left: rows may be taken for those of an outbox before this one", epoch=seen)
        self._outbox.claim(min(seen, MOST_EPOCHS - 1))

    def _impossible(self, what: str, received: Received[Any], why: str) -> None:
        self._metrics.impossible.labels(what).inc()
        self._log.warning(f"impossible {what} about this device is passed over", at=received.at, why=why)

    def _say(
        self,
        stream: str,
        status: DeviceStatus,
        cause: Cause | None,
        *,
        refused: int | None = None,
        refused_adapter: int | None = None,
        refusal: RefusalError | None = None,
    ) -> None:
        installed = self._models.installed(stream)
        remark = self._adapting.remark if self._adapting else ""
        report = DeviceReport(
            tenant=self._tenant,
            stream=stream,
            device_id=self._device,
            boot_epoch=self._outbox.epoch,
            status=status,
            version=installed.version if installed else None,
            digest=installed.digest if installed else None,
            refused_version=refused,
            reason=refusal.reason.value if refusal else "",
            message=cut(refusal.message if refusal else remark),
            adapter=(installed.adapter or None) if installed else None,
            takes_adapters=self._adapting is not None,
            refused_adapter=refused_adapter,
        )
        self._report(Report(report, cause))
