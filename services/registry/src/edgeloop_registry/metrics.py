"""Every metric that the registry owns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """What the registry tells of itself. A transaction that is repeated counts again: rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Candidates that became versions.
        self.versions = Counter("edgeloop_registry_versions", "Candidates that became versions.", registry=registry)
        # Candidates that did not, by reason: SIGNATURE, UNKNOWN_REQUEST and REPLAYED are those of strangers.
        self.refusals = Counter("edgeloop_registry_refusals", "Candidates refused, by reason.", ["reason"], registry=registry)
