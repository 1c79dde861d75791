"""Metrics of the trainer."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Counters of one process. A repeated transaction counts again, so read rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Ended training runs by status: promoted, rejected, failed.
        self.runs = Counter("edgeloop_trainer_runs", "Ended runs by status.", ["status"], registry=registry)
        # Wall time of fit, conversion and parity check in the child process.
        self.fits = Histogram(
            "edgeloop_trainer_fit_seconds", "Wall time of fits.", buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120), registry=registry
        )
