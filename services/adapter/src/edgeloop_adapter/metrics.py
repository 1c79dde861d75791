"""Every metric that the adapter service owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

_STREAM = ("tenant", "stream")


class Metrics:
    """What the adapter service tells of itself. A transaction that is repeated counts again: rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Labelled rows by outcome: learned; idle (no version has answered yet, or no mixture is possible, or learning is switched off);
        # unanswered (no model answered it); unfit (another width than the mixture's, or one class too many); gone (cannot be read any more).
        self.rows = Counter("edgeloop_adapter_rows", "Labelled rows by outcome.", ["outcome"], registry=registry)
        # Adapters, each replacing the one before; devices get the newest of a transaction.
        self.published = Counter("edgeloop_adapter_published", "Adapters.", registry=registry)
        # Labelled rows of a stream so far: less the number of an adapter, the rows that it has not learned from.
        self.labelled = Gauge("edgeloop_adapter_labelled_rows", "Labelled rows of a stream.", _STREAM, registry=registry)
        # Number of the newest adapter, of the labelled row that it was made after.
        self.newest = Gauge("edgeloop_adapter_newest", "Number of a stream's newest adapter.", _STREAM, registry=registry)
        # Version that answers in the mixture's place, as the mixture has done worse; 0 for the mixture.
        self.alone = Gauge("edgeloop_adapter_alone", "Version that answers alone.", _STREAM, registry=registry)
        # Versions whose file cannot take part in a mixture, or cannot be read.
        self.refused = Counter("edgeloop_adapter_refused_versions", "Versions that cannot take part.", registry=registry)
