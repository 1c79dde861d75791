"""Every metric that the mirror owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """What the mirror tells of itself. A record that comes again counts again: rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Events that MLflow has now, by status of the run.
        self.mirrored = Counter("edgeloop_mirror_events", "Events that MLflow has now, by status.", ["status"], registry=registry)
        # Times that MLflow was away, or did not do what it was asked to; each is tried again.
        self.waits = Counter("edgeloop_mirror_waits", "Times that MLflow did not take an event, which is tried again.", registry=registry)
        # Events that MLflow refused for what they hold, and that were passed.
        self.refused = Counter("edgeloop_mirror_refused", "Events that MLflow refused for what they hold.", registry=registry)
