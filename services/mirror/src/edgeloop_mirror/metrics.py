"""Metrics of the mirror."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Counters of the mirror. A repeated record counts again, so use their rates."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.mirrored = Counter("edgeloop_mirror_events", "Events written to MLflow, by status of the run.", ["status"], registry=registry)
        self.waits = Counter("edgeloop_mirror_waits", "Failed attempts to write an event, which are repeated.", registry=registry)
        self.refused = Counter(
            "edgeloop_mirror_refused", "Events that MLflow refused because of their content; they are skipped.", registry=registry
        )
