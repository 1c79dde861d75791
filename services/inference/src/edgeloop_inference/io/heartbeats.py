"""Heartbeats: health of the device at regular times, the newest one alone."""

from __future__ import annotations

import platform
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from edgeloop_contracts import DeviceError, Heartbeat, ServedStream, Vitals, topics
from edgeloop_contracts.texts import cut

from edgeloop_inference.core.error_log import ErrorLog
from edgeloop_inference.core.stream_activity import Counts, StreamActivity
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.outbox_sender import Offer, Sender
from edgeloop_inference.io.vitals import ProcessVitals

SLOW_MS = 5_000
REFUSED_CHARACTERS = 500


class ClockOffset:
    """Clock of the device minus clock of the broker, from the record time that the broker gave to a heartbeat.

    The broker's time lies between sending and acknowledgement, so the offset is uncertain by half of the time between them.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.milliseconds: float | None = None

    def stamped(self, sent: float, broker_ms: int) -> None:
        """Note the record time of a heartbeat that was handed over at ``sent``, seconds of the device's clock."""
        now = self._clock()
        if broker_ms > 0 and 0 <= 1000 * (now - sent) <= SLOW_MS:
            self.milliseconds = 500 * (sent + now) - broker_ms


class Heartbeats:
    """Sends a heartbeat at regular times, and the errors that are due. Runs in a thread of its own.

    Parameters
    ----------
    tenant, device
        Whose heartbeats these are.
    sender, outbox, models
        Of the device.
    activity, errors
        Of the device.
    vitals
        Of the process.
    seconds
        Time between two heartbeats; :attr:`seconds` may be changed at any time.
    stopping
        Ends :meth:`run`.

    Attributes
    ----------
    config
        Version of the configuration that runs, and the reason why a newer one does not.
    """

    def __init__(
        self,
        tenant: str,
        device: str,
        sender: Sender,
        outbox: Outbox,
        models: Models,
        activity: StreamActivity,
        errors: ErrorLog,
        vitals: ProcessVitals,
        seconds: float,
        stopping: threading.Event,
    ) -> None:
        self._tenant = tenant
        self._device = device
        self._sender = sender
        self._outbox = outbox
        self._models = models
        self._activity = activity
        self._errors = errors
        self._vitals = vitals
        self._stopping = stopping
        self._changed = threading.Event()
        self._seconds = seconds
        self._instance = secrets.token_hex(8)
        self._host = platform.node()
        self._started = time.monotonic()
        self._seq = 0
        self._offset = ClockOffset()
        self.config: tuple[int, str] = (0, "")

    @property
    def seconds(self) -> float:
        """Time between two heartbeats."""
        return self._seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if seconds != self._seconds:
            self._seconds = seconds
            self._changed.set()

    def run(self) -> None:
        """Send until told to stop."""
        while not self._stopping.is_set():
            self.beat()
            self._changed.clear()
            self._changed.wait(self._seconds)

    def stop(self) -> None:
        """Wake the thread, so that it ends."""
        self._changed.set()

    def beat(self) -> None:
        """Offer a heartbeat and due errors for sending."""
        self._sender.offer("", Offer(topics.FLEET_HEARTBEATS, self._heartbeat, self._offset.stamped))
        for error in self._errors.due():
            self._sender.offer(error.fingerprint, Offer(topics.FLEET_ERRORS, partial(_as_it_is, error)))

    def _heartbeat(self) -> Heartbeat:
        made = Heartbeat(tenant=self._tenant, device_id=self._device, vitals=self._now())
        self._seq += 1
        return made

    def _now(self) -> Vitals:
        version, refused = self.config
        oldest = self._outbox.oldest_s()
        return Vitals(
            instance=self._instance,
            host=self._host,
            seq=self._seq,
            sent_at=int(time.time() * 1000),
            boot_epoch=self._outbox.epoch,
            uptime_s=time.monotonic() - self._started,
            streams=self._streams(),
            outbox_rows=self._outbox.rows,
            outbox_age_s=oldest,
            cpu=self._vitals.cpu(),
            rss=self._vitals.memory(),
            disk_free=self._vitals.disk_free(),
            temperature=self._vitals.temperature(),
            clock_offset_ms=self._offset.milliseconds,
            config_version=version,
            config_refused=cut(refused, REFUSED_CHARACTERS),
        )

    def _streams(self) -> tuple[ServedStream, ...]:
        counted = self._activity.drain()
        return tuple(_served(stream, self._models.installed(stream), counted.get(stream, Counts())) for stream in self._models.known)


def _as_it_is(event: DeviceError) -> DeviceError:
    return event


def _served(stream: str, installed: Any, counts: Counts) -> ServedStream:
    return ServedStream(
        stream=stream,
        version=installed.version if installed else None,
        adapter=(installed.adapter or None) if installed else None,
        requests=counts.requests,
        rows=counts.rows,
        failed=counts.failed,
        p50_ms=counts.latencies.percentile(0.5),
        p99_ms=counts.latencies.percentile(0.99),
    )
