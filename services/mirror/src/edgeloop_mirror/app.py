"""Composition of the mirror."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgeloop_contracts import topics
from edgeloop_datasets import StreamDefinitions
from edgeloop_signing.keys import load_trusted
from edgeloop_streaming import Context, HealthServer, Subscription, watch

from edgeloop_mirror.handlers import Mirror
from edgeloop_mirror.io.signatures import Signatures
from edgeloop_mirror.io.sources import Sources
from edgeloop_mirror.io.tracking import Tracking
from edgeloop_mirror.metrics import Metrics
from edgeloop_mirror.settings import Settings
from edgeloop_mirror.spec import SPEC

HUNG_S = 240.0  # a model of 256 MiB may take minutes to a distant store


def run(context: Context, settings: Settings, tracking: Tracking, stopping: Callable[[], bool]) -> None:
    """Mirror runs and versions until ``stopping()``."""
    shared = context.settings
    signatures = Signatures(load_trusted(settings.trust_file) if settings.trust_file else ())
    subscription = Subscription(shared, context.codec, context.log, SPEC.name, SPEC.inputs, context.skipped, context.metrics)
    sources = Sources(context.reader(), StreamDefinitions(context.table(topics.STREAMS)))
    mirror = Mirror(tracking, sources, signatures, Metrics(context.metrics), context.log, settings.experiment, settings.retry_seconds)
    health = HealthServer(
        shared.http_host,
        shared.http_port,
        context.metrics,
        healthy=lambda: time.monotonic() - subscription.beat < HUNG_S,
        ready=lambda: subscription.assigned,
    )
    if shared.http_port:
        health.start()
    watch(lambda: subscription.beat, HUNG_S, context.log)
    subscription.run(mirror.handle, stopping)
    context.log.info("stopped")
