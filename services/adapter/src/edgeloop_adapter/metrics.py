"""Every metric that the adapter service owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """What the adapter service tells of itself. A transaction that is repeated counts again: rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Labelled rows by outcome: learned; idle (no version has answered yet, or no mixture is possible, or learning is switched off);
        # unanswered (no model answered it); unfit (another width than the mixture's, or one class too many); gone (cannot be read any more).
        self.rows = Counter("edgeloop_adapter_rows", "Labelled rows by outcome.", ["outcome"], registry=registry)
        # Adapters, each replacing the one before; devices get the newest of a transaction.
        self.published = Counter("edgeloop_adapter_published", "Adapters.", registry=registry)
        # Versions whose file cannot take part in a mixture, or cannot be read.
        self.refused = Counter("edgeloop_adapter_refused_versions", "Versions that cannot take part.", registry=registry)
