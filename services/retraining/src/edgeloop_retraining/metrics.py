"""Metrics of retraining."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """Counters of one process. A repeated transaction counts again, so read rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Training requests by stage; stages beyond those of the policy are "later".
        self.requests = Counter("edgeloop_retraining_requests", "Training requests.", ["stage"], registry=registry)
        # Rows counted here that the detectors have not passed; grows while drift stands still.
        self.undecided = Gauge("edgeloop_retraining_undecided_rows", "Rows not decided yet.", ["partition"], registry=registry)
