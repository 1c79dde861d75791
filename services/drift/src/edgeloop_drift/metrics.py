"""Metrics of the service `drift`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Measurements of one process. A repeated transaction counts again, so use rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Labelled rows folded into pooled detectors, by answer: right, wrong or unanswered.
        self.rows = Counter("edgeloop_drift_rows", "Labelled rows by answer.", ["answer"], registry=registry)
        # Blocks of unlabelled rows folded into input detectors.
        self.blocks = Counter("edgeloop_drift_blocks", "Blocks of observed rows.", registry=registry)
        # Signals by kind, scope (whose errors; empty for inputs) and direction.
        self.signals = Counter("edgeloop_drift_signals", "Signals.", ["kind", "scope", "rising"], registry=registry)
