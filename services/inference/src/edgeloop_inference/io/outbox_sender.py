"""Sends what the outbox holds, and the device's reports."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import Cause, DeviceReport, Event, MemberKey, Topic, topics
from edgeloop_errors import RetryableError
from edgeloop_signing.device_signatures import RecordSigner

from edgeloop_inference.core.bandwidth import Bandwidth
from edgeloop_inference.core.rows import OutgoingBatch, pack, within
from edgeloop_inference.io.kafka_clients import Kafka, Publisher
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.metrics import Metrics

READ_AT_ONCE = 2048
IN_FLIGHT = 64
SETTLE_S = 0.2


class DeliveryError(RetryableError):
    """The broker, or the producer, refused a record; the message says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report and the assignment that it answers."""

    event: DeviceReport
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Offer:
    """An event of which the newest alone counts.

    Attributes
    ----------
    topic
        Topic of the fleet, keyed by member.
    make
        Makes the event at the time of sending; called in the sender's thread.
    stamped
        Told when it was handed over, seconds of the device's clock, and the broker's record time, milliseconds.
    held
        Whether it waits with the rows while the device may not speak yet.
    """

    topic: Topic[Any, Any]
    make: Callable[[], Event]
    stamped: Callable[[float, int], None] | None = None
    held: bool = True


class Sender:
    """Owns the producer; runs in one thread.

    Rows leave the outbox once the broker has acknowledged them. A record that was handed over waits for the broker without a time limit.
    A limit would let later rows arrive before it.

    If the broker refuses a record, a new producer sends the whole outbox again, because the old producer may be broken. A row may then
    arrive twice, and its numbers identify it. No row is left out. Nothing leaves before the outbox's epoch
    is claimed, or while the device is held.

    An offered event (a heartbeat, an error) never waits in a queue. One event of each slot is on its way at a time, and it is made at the
    time of sending. So at most one event of a slot arrives late after an outage. Its failure is counted, and holds up nothing.

    Parameters
    ----------
    kafka
        Makes the producer.
    outbox, metrics
        Of the device.
    tenant, device
        Who sends.
    linger_s
        Time that rows wait for others to share their batch.
    stopping
        Ends :meth:`run`.
    signer
        Signs every record.
    bandwidth
        Limit of the bytes of rows.
    """

    def __init__(
        self,
        kafka: Kafka,
        outbox: Outbox,
        metrics: Metrics,
        tenant: str,
        device: str,
        linger_s: float,
        stopping: threading.Event,
        signer: RecordSigner,
        bandwidth: Bandwidth,
    ) -> None:
        self._kafka = kafka
        self._outbox = outbox
        self._metrics = metrics
        self._tenant = tenant
        self._device = device
        self._linger_s = linger_s
        self._stopping = stopping
        self._signer = signer
        self._bandwidth = bandwidth
        self._held = self._capped = False
        self._offers: dict[tuple[str, str], Offer] = {}
        self._under_way: set[tuple[str, str]] = set()
        self._wake = threading.Event()
        self._wake.set()
        self._reports: deque[Report] = deque()
        self._refused: list[Report] = []
        self._sent_to = 0
        self._in_flight = 0
        self._problem: Exception | None = None
        self._quiet = 0
        self._publisher: Publisher | None = None

    def wake(self) -> None:
        """Wake the sender, since there may be something to send; any thread may call."""
        self._wake.set()

    def report(self, report: Report) -> None:
        """Send a report as soon as possible; any thread may call."""
        self._reports.append(report)
        self._wake.set()

    def hold(self, held: bool) -> None:
        """Keep rows and reports back, or let them go; any thread may call."""
        self._held = held
        self._wake.set()

    def offer(self, slot: str, offer: Offer) -> None:
        """Send an event soon, in place of the one of its topic and slot that has not left yet; any thread may call."""
        self._offers[offer.topic.name, slot] = offer
        self._wake.set()

    def run(self) -> None:
        """Send until the process stops; call it again after a failure.

        Raises
        ------
        Exception
            A record could not be handed over, or the broker refused it.
        """
        if self._publisher is None:
            self._publisher = self._kafka.publisher(timeout_s=None)
        while not self._stopping.is_set():
            self.step(self._publisher)

    def step(self, publisher: Publisher) -> None:
        """Send what is due, or wait until something is due."""
        publisher.poll(0.0)
        if self._problem is not None:
            self._start_over(publisher, self._problem)
        elif self._in_flight >= IN_FLIGHT:
            publisher.poll(0.1)
        elif self._wake.is_set():
            self._wake.clear()
            self._quiet = 0
            # Rows of slightly later requests share the batch, which saves records downstream.
            if not self._reports:
                self._stopping.wait(self._linger_s)
            self.send(publisher)
        elif self._capped:
            publisher.poll(min(self._bandwidth.wait_s(), 0.1))
            if not self._bandwidth.wait_s():
                self._capped = False
                self._wake.set()
        elif self._in_flight:
            # An acknowledgement takes milliseconds, or very long if the broker is away.
            self._quiet += 1
            publisher.poll(0.01 if self._quiet < 100 else 0.1)
        elif not self._wake.wait(SETTLE_S):
            self._outbox.settle()
            self._wake.wait()

    def send(self, publisher: Publisher) -> None:
        """Hand reports and new rows to the producer."""
        if not self._outbox.claimed:
            return
        self._send_offers(publisher)
        if self._held:
            return
        try:
            while self._reports:
                self._send_report(publisher, self._reports[0])
                self._reports.popleft()
            read = self._outbox.after(self._sent_to, READ_AT_ONCE)
            stored = within(read, self._bandwidth.allowed())
            for outgoing in pack(self._tenant, self._device, self._outbox.epoch, stored):
                self._send_batch(publisher, outgoing)
        except Exception as error:
            self._problem = error  # earlier rows that were handed over are sent again, too
            return
        if stored:
            self._sent_to = stored[-1].place
        self._capped = len(stored) < len(read)
        if len(read) == READ_AT_ONCE and not self._capped:
            self._wake.set()

    def drain(self, timeout_s: float) -> None:
        """Hand over the remaining rows and wait briefly for their acknowledgement, before the end."""
        if self._publisher is not None and self._problem is None:
            self.send(self._publisher)
            self._publisher.flush(timeout_s)

    def _start_over(self, publisher: Publisher, problem: Exception) -> None:
        if self._in_flight:
            publisher.poll(0.1)
            return
        self._outbox.settle()
        self._sent_to = 0
        self._reports.extendleft(reversed(self._refused))  # before younger ones: a topic's newest report of a device counts
        self._refused.clear()
        self._publisher = self._problem = None
        self._wake.set()
        raise problem

    def _failed(self, error: str) -> None:
        self._problem = DeliveryError(error)
        self._metrics.failed_deliveries.inc()

    def _send_batch(self, publisher: Publisher, outgoing: OutgoingBatch) -> None:
        def delivered(error: str | None) -> None:
            self._in_flight -= 1
            if error is None:
                self._outbox.forget(outgoing.places)
                self._metrics.batches.inc()
            else:
                self._failed(error)

        topic = topics.OBSERVATIONS_RAW
        publisher.publish(topic, topic.key_of(outgoing.batch), outgoing.batch, on_delivery=delivered, sign=self._sign_and_count)
        self._in_flight += 1

    def _send_report(self, publisher: Publisher, report: Report) -> None:
        def delivered(error: str | None) -> None:
            self._in_flight -= 1
            if error is not None:
                self._failed(error)
                self._refused.append(report)

        topic = topics.FLEET_REPORTED
        publisher.publish(topic, topic.key_of(report.event), report.event, cause=report.cause, on_delivery=delivered, sign=self._signer)
        self._in_flight += 1

    def _send_offers(self, publisher: Publisher) -> None:
        for slot, offer in list(self._offers.items()):
            if slot in self._under_way or (self._held and offer.held):
                continue
            if self._offers.get(slot) is offer:
                del self._offers[slot]
            try:
                self._send_offer(publisher, slot, offer)
            except Exception as error:  # such as a topic that an older platform does not have
                self._metrics.failed("offer", error)

    def _send_offer(self, publisher: Publisher, slot: tuple[str, str], offer: Offer) -> None:
        def delivered(error: str | None) -> None:
            self._in_flight -= 1
            self._under_way.discard(slot)
            if error is not None:
                self._metrics.failed("offer", DeliveryError(f"{offer.topic.name}: {error}"))
            if slot in self._offers:
                self._wake.set()

        sent = time.time()

        def stamped(at: int) -> None:
            if offer.stamped is not None:
                offer.stamped(sent, at)

        event = offer.make()
        topic, key = offer.topic, MemberKey(self._tenant, self._device)
        publisher.publish(topic, key, event, on_delivery=delivered, sign=self._signer, stamped=stamped)
        self._in_flight += 1
        self._under_way.add(slot)

    def _sign_and_count(self, topic: str, key: bytes, schema: bytes, body: bytes) -> Mapping[str, bytes]:
        self._bandwidth.sent(len(body))
        return self._signer(topic, key, schema, body)
