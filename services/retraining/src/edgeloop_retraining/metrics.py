"""Every metric that retraining owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """What retraining tells of itself. A transaction that is repeated counts again: rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Requests by stage; stages of a campaign beyond the third are "later".
        self.requests = Counter("edgeloop_retraining_requests", "Training requests.", ["stage"], registry=registry)
        # Rows counted here that detection has not looked at yet: grows when drift stands still.
        self.undecided = Gauge("edgeloop_retraining_undecided_rows", "Rows not decided yet.", ["partition"], registry=registry)
