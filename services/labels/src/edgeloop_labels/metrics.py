"""Metrics of the label join."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """Counters of the label join. A repeated transaction counts again, so they show rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Labels by outcome: joined, repeated (the row had it), contradicted (the row had another), waiting (arrived before
        # its row), no_observation (no row arrived in time), expired (its row has expired, later rows of its device exist).
        self.labels = Counter("edgeloop_labels_labels", "Labels by outcome.", ["outcome"], registry=registry)
        self.joined = self.labels.labels("joined")
        # Rows of observations by outcome: pending, repeated, unlabelled (expired without a label).
        self.rows = Counter("edgeloop_labels_rows", "Observed rows by outcome.", ["outcome"], registry=registry)
        # Bytes of pending observations; compare with the horizon.
        self.pending = Gauge("edgeloop_labels_pending_bytes", "Pending observations.", ["partition"], registry=registry)
        # Labels that wait for their observation.
        self.waiting = Gauge("edgeloop_labels_waiting", "Waiting labels.", ["partition"], registry=registry)
        # Records read again because the cache was missing or behind.
        self.rebuilt = Counter("edgeloop_labels_rebuilt", "Records read again.", registry=registry)
        # Deleted offsets that a rebuild needed. Above zero, retention is too short.
        self.lost = Counter("edgeloop_labels_lost", "Offsets gone before a rebuild.", registry=registry)
