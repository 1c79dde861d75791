"""Every metric that labels owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """What the label join tells of itself. A transaction that is repeated counts again: rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Labels by outcome: joined, repeated (the row had it), contradicted (the row had another), waiting (came before
        # its row), no_observation (waited in vain), expired (its row has gone, later rows of its device are there).
        self.labels = Counter("edgeloop_labels_labels", "Labels by outcome.", ["outcome"], registry=registry)
        self.joined = self.labels.labels("joined")
        # Rows of observations by outcome: pending, repeated, unlabelled (expired without a label).
        self.rows = Counter("edgeloop_labels_rows", "Observed rows by outcome.", ["outcome"], registry=registry)
        # Bytes of pending observations, to be seen against the horizon.
        self.pending = Gauge("edgeloop_labels_pending_bytes", "Pending observations.", ["partition"], registry=registry)
        # Labels that wait for their observation.
        self.waiting = Gauge("edgeloop_labels_waiting", "Waiting labels.", ["partition"], registry=registry)
        # Records read again because the cache was lost or behind.
        self.rebuilt = Counter("edgeloop_labels_rebuilt", "Records read again.", registry=registry)
        # Offsets that a rebuild needed and retention had deleted: anything but zero means that retention is too short.
        self.lost = Counter("edgeloop_labels_lost", "Offsets gone before a rebuild.", registry=registry)
