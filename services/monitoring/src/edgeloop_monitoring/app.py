"""Composition root of monitoring, and its life from start to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from edgeloop_contracts import Alert, topics
from edgeloop_errors import EdgeloopError
from edgeloop_kafka import Received
from edgeloop_kafka.received_record import RECORD_ERRORS
from edgeloop_streaming import Context, HealthServer, watch

from edgeloop_monitoring.core.rules import rules
from edgeloop_monitoring.core.subjects import Groups
from edgeloop_monitoring.core.views import Views
from edgeloop_monitoring.handlers import RECENT, WHOLE, Monitor
from edgeloop_monitoring.io.codecs import Undecodable
from edgeloop_monitoring.io.stream import EventStream, Record
from edgeloop_monitoring.metrics import Metrics
from edgeloop_monitoring.settings import Settings
from edgeloop_monitoring.spec import SPEC

TICK_S = 0.5
HUNG_S = 45.0
QUIET_TICKS = 2  # what has been fetched is in the views two ticks later


class Service:
    """One process of monitoring.

    Parameters
    ----------
    context, settings
        Of the process.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        self._context = context
        self._settings = settings
        self._metrics = Metrics(context.metrics)
        self._beat = time.monotonic()
        self._ticks = 0

    @property
    def ready(self) -> bool:
        """Whether the views are whole: what was there at the start has been folded."""
        return self._ticks >= QUIET_TICKS

    async def run(self, stopping: Callable[[], bool]) -> int:
        """Work until ``stopping()``; give back the exit code."""
        shared = self._context.settings
        health = HealthServer(
            shared.http_host,
            shared.http_port,
            self._context.metrics,
            healthy=lambda: time.monotonic() - self._beat < HUNG_S,
            ready=lambda: self.ready,
        )
        if shared.http_port:
            health.start()
        watch(lambda: self._beat, HUNG_S, self._context.log)
        if not await self._schema_known(stopping):
            return 0
        stream = self._wire()
        await stream.app.start()
        self._context.log.info("started", group=stream.app.conf.id)
        await _until(lambda: stopping() or stream.app.crashed or stream.app.should_stop)
        crash = stream.app.crash_reason
        await stream.app.stop()
        if crash is not None:
            self._context.log.error("stopped", error=str(crash), kind=type(crash).__name__)
            return 1
        self._context.log.info("stopped")
        return 0

    def _wire(self) -> EventStream:
        spans = self._settings.spans
        views = Views(Groups(self._settings.groups), spans, self._settings.suspicion)
        monitor = Monitor(views, rules(self._settings.thresholds), self._metrics, self._published_alerts(), spans.bucket)

        def handle(record: Record) -> None:
            # Faust goes on behind a record that cannot be read: what and where is told here, and counted.
            at = f"{record.topic}/{record.partition}/{record.offset}"
            try:
                if monitor.fold(record) and isinstance(record.event, Undecodable):
                    self._context.log.warning("skipped", at=at, reason=record.event.reason, error=record.event.message)
            except RECORD_ERRORS as error:
                self._metrics.undecodable.labels(record.topic, "UNHANDLED").inc()
                self._context.log.warning("skipped", at=at, reason="UNHANDLED", error=repr(error))

        stream = EventStream(
            self._context.settings,
            self._context.codec,
            SPEC.name,
            recent=RECENT,
            whole=WHOLE,
            look_back_ms=spans.look_back,
            handle=handle,
            position_of=monitor.position,
        )

        async def tick() -> None:
            self._beat = time.monotonic()
            lags = await stream.lags()
            for (topic, partition), lag in (lags or {}).items():
                self._metrics.lag.labels(topic, str(partition)).set(lag)
            self._ticks = self._ticks + 1 if stream.caught_up else 0
            for message in monitor.moment(self._beat) if self.ready else ():
                await stream.send(topics.ALERTS, topics.ALERTS.key_of(message.alert), message.alert, message.cause, message.alert.at)
                self._context.log.info(
                    "alert", kind=message.alert.kind.value, status=message.alert.status.value, text=message.alert.message
                )

        stream.every(TICK_S, tick)
        return stream

    def _published_alerts(self) -> list[Alert]:
        """Alerts told so far: read with our own client, from the beginning to the end, before Faust starts."""
        alerts: list[Alert] = []

        def append(received: Received[Alert]) -> None:
            alerts.append(received.event)

        follower = self._context.follower([topics.ALERTS])
        try:
            follower.refresh(append)
        finally:
            follower.close()
        return alerts

    async def _schema_known(self, stopping: Callable[[], bool]) -> bool:
        """Wait until the registry has our own schema: it may start later than we do."""
        warned = 0.0
        while not stopping():
            try:
                self._context.codec.frame(topics.ALERTS, Alert)
            except EdgeloopError as error:
                if time.monotonic() - warned > 10:
                    self._context.log.warning("waiting for the schema registry", error=str(error))
                    warned = time.monotonic()
                self._beat = time.monotonic()
                await asyncio.sleep(0.3)
            else:
                return True
        return False


async def _until(done: Callable[[], bool]) -> None:
    """Wait for what other threads and Faust decide, and tell nobody of."""
    while True:
        if done():
            return
        await asyncio.sleep(0.1)
