"""Metrics of the service `adapter`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

_STREAM = ("tenant", "stream")


class Metrics:
    """Measurements of one process. A repeated transaction counts again, so use rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Labelled rows by outcome: learned; idle (no version has answered yet, no mixture is possible, or learning is off);
        # unanswered (by any model); unfit (another width than the mixture's, or one class too many); gone (deleted).
        self.rows = Counter("edgeloop_adapter_rows", "Labelled rows by outcome.", ["outcome"], registry=registry)
        # Adapters, each replacing the one before; devices get the newest of a transaction.
        self.published = Counter("edgeloop_adapter_published", "Adapters.", registry=registry)
        # Labelled rows of a stream so far; minus the number of an adapter: rows that it has not learned from.
        self.labelled = Gauge("edgeloop_adapter_labelled_rows", "Labelled rows of a stream.", _STREAM, registry=registry)
        # Number of the newest adapter, which is the row number of its newest row.
        self.newest = Gauge("edgeloop_adapter_newest", "Number of a stream's newest adapter.", _STREAM, registry=registry)
        # Version that answers alone, because the mixture did worse; 0 for the mixture.
        self.alone = Gauge("edgeloop_adapter_alone", "Version that answers alone.", _STREAM, registry=registry)
        # Versions whose file cannot be a member, or cannot be read.
        self.refused = Counter("edgeloop_adapter_refused_versions", "Versions that cannot take part.", registry=registry)
