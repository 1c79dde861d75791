"""Assignments to this device, and reports of their outcome."""

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
from edgeloop_inference.io.adapter_updates import AdapterUpdates, Outcome
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.fleet_member import FleetMember
from edgeloop_inference.io.installation import Installation
from edgeloop_inference.io.kafka_clients import Follower, Kafka, MeteredReader, Reader
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.outbox_sender import Report
from edgeloop_inference.metrics import Metrics

POLL_S = 0.2
SHOWN = 200


class AssignmentHandler:
    """Owns the device's consumers; runs in one thread.

    Parameters
    ----------
    kafka
        Source of the consumers.
    installation, models, definitions, outbox, metrics
        Of the device.
    adapter_updates
        Adapters; ``None`` on a device that takes none.
    member
        Takes what the fleet says of this device.
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
        adapter_updates: AdapterUpdates | None,
        member: FleetMember,
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
        self._adapter_updates = adapter_updates
        self._member = member
        self._report = report
        self._tenant = tenant
        self._device = device
        self._stopping = stopping
        self._log = log
        self._defined: dict[str, StreamDefinition] = {}
        self._pending: dict[str, Received[Assignment]] = {}
        self._seen: dict[str, str] = {}
        self._announced: set[str] = set()
        self._reader: Reader | None = None
        self._again = False

    def begin_again(self) -> None:
        """Read all topics from their beginning, since other streams are served now. The thread of :meth:`run` alone may call."""
        self._again = True
        for held in (self._seen, self._pending, self._defined):
            for stream in [stream for stream in held if not self._models.concerns(stream)]:
                del held[stream]
        self._announced = {stream for stream in self._announced if self._models.concerns(stream)}

    def run(self) -> None:
        """Follow the topics until the process stops, or begins again. A failure of Kafka raises, and the next call begins anew."""
        self._again = False
        if not self._outbox.claimed:
            self._claim()
        followed = [topics.STREAMS, topics.ROLLOUT_ASSIGNMENTS, topics.FLEET_CONFIG, topics.FLEET_DEVICES]
        if self._adapter_updates is not None:
            self._adapter_updates.begin()
            followed.append(topics.MODEL_ADAPTERS)
        follower = self._kafka.follower(followed)
        try:
            follower.refresh(self.handle)
            while not (self._stopping.is_set() or self._again):
                self.apply_pending(follower)
                for received in follower.poll(POLL_S):
                    self.handle(received)
        finally:
            follower.close()
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def handle(self, received: Received[Any]) -> None:
        """Note a definition, an assignment, or parts of an adapter. A stream's newest assignment counts."""
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
                # A new follower reads from the beginning: this assignment and those before it are done.
                if self._seen.get(assignment.stream) == received.at:
                    self._pending.pop(assignment.stream, None)
                else:
                    self._pending[assignment.stream] = received
            case _:
                if not self._member.handle(received) and self._adapter_updates is not None:
                    self._metrics.received.labels("adapters").inc(len(received.raw))
                    self._adapter_updates.handle(received)

    def apply_pending(self, follower: Follower) -> None:
        """Announce streams that are new to this process, and apply new assignments and adapters."""
        self._member.apply_pending()
        self._define()
        for stream in self._models.known:
            if stream not in self._announced:
                self._announced.add(stream)
                self._send_report(stream, DeviceStatus.ONLINE, None)
        for stream, received in list(self._pending.items()):
            self._apply(stream, received, follower)
            self._seen[stream] = received.at
            # A newer one may have come meanwhile.
            if self._pending[stream] is received:
                del self._pending[stream]
        if self._adapter_updates is not None:
            for outcome in self._adapter_updates.apply_newest(self._chunks):
                self._report_adapter(outcome)

    def _define(self) -> None:
        """Apply the newest definitions. Older ones, which may mask less, come first when the topic is read again."""
        for definition in self._defined.values():
            self._definitions.learn(definition)
        self._defined.clear()

    def _report_adapter(self, outcome: Outcome) -> None:
        stream, refusal = outcome.stream, outcome.refusal
        if refusal is None:
            self._metrics.adapters.labels(stream).inc()
            self._metrics.adapter_age.observe(max(0.0, time.time() - outcome.received.timestamp / 1000))
            self._send_report(stream, DeviceStatus.INSTALLED, outcome.received.cause)
            return
        self._metrics.adapter_refusals.labels(stream, refusal.reason.value).inc()
        self._log.warning("adapter refused", stream=stream, adapter=outcome.number, reason=refusal.reason.value, message=refusal.message)
        self._send_report(stream, DeviceStatus.REFUSED, outcome.received.cause, refused_adapter=outcome.number, refusal=refusal)

    def _apply(self, stream: str, received: Received[Assignment], follower: Follower) -> None:
        assignment = received.event
        started = time.monotonic()
        try:
            action = self._install(assignment, follower)
        except RefusalError as refusal:
            self._metrics.refusals.labels(stream, refusal.reason.value).inc()
            if refusal.reason is Reason.IMPOSSIBLE:
                self._metrics.impossible.labels("assignment").inc()
            self._log.warning(
                "model refused", stream=stream, version=assignment.version, reason=refusal.reason.value, message=refusal.message
            )
            self._send_report(stream, DeviceStatus.REFUSED, received.cause, refused=max(0, assignment.version) or None, refusal=refusal)
        else:
            self._send_report(stream, DeviceStatus.INSTALLED, received.cause)
            if action is Action.INSTALL:
                took = time.monotonic() - started
                self._metrics.installs.labels(stream).inc()
                self._metrics.install_time.observe(took)
                self._log.info("model installed", stream=stream, version=assignment.version, seconds=round(took, 3))

    def _install(self, assignment: Assignment, follower: Follower) -> Action:
        try:
            return self._installation.install(assignment, self._definitions.get(assignment.stream), self._chunks)
        except RefusalError as refusal:
            if refusal.reason is not Reason.DEFINITION:
                raise
        # The topics have no common order: the definition may come later.
        follower.refresh(self.handle)
        self._define()
        return self._installation.install(assignment, self._definitions.get(assignment.stream), self._chunks)

    def _chunks(self) -> Reader:
        if self._reader is None:
            self._reader = MeteredReader(self._kafka.reader(), self._metrics.received.labels("versions").inc)
        return self._reader

    def _claim(self) -> None:
        """Claim an epoch above all that this device has reported; a lost disk makes its numbers begin anew.

        Anybody may have written to the topic. Reports that this device cannot have sent are logged and passed over.
        """
        seen = 0

        def read_report(received: Received[Any]) -> None:
            nonlocal seen
            match received.event:
                case DeviceReport(tenant=self._tenant, device_id=self._device) as report:
                    # Under another key it would outlive this device's own reports.
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
            follower.refresh(read_report)
        finally:
            follower.close()
        if seen >= MOST_EPOCHS:
            self._log.error("no epochs are left: rows may be taken for those of an outbox before this one", epoch=seen)
        self._outbox.claim(min(seen, MOST_EPOCHS - 1))

    def _impossible(self, what: str, received: Received[Any], why: str) -> None:
        self._metrics.impossible.labels(what).inc()
        self._log.warning(f"impossible {what} about this device is passed over", at=received.at, why=why)

    def _send_report(
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
        remark = self._adapter_updates.remark if self._adapter_updates else ""
        report = DeviceReport(
            tenant=self._tenant,
            stream=stream,
            device_id=self._device,
            boot_epoch=self._outbox.epoch,
            number=self._outbox.report_number(),
            status=status,
            version=installed.version if installed else None,
            digest=installed.digest if installed else None,
            refused_version=refused,
            reason=refusal.reason.value if refusal else "",
            message=cut(refusal.message if refusal else remark),
            adapter=(installed.adapter or None) if installed else None,
            takes_adapters=self._adapter_updates is not None,
            refused_adapter=refused_adapter,
        )
        self._report(Report(report, cause))
