"""Metrics of ingestion."""

from __future__ import annotations

from edgeloop_admission import Verdict
from prometheus_client import CollectorRegistry, Counter

from edgeloop_ingestion.core.intake import Acceptance

OUTCOMES = ("accepted", "duplicate", "uncompared", "contradicting", "refused", "masked")


class Metrics:
    """Counters of ingestion. A repeated transaction counts again, so they show rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Rows by outcome: accepted; duplicate; uncompared (dropped as a duplicate, since its contents are no longer remembered);
        # contradicting (known number, other contents); refused; masked (accepted, with a hidden feature).
        self.rows = Counter("edgeloop_ingestion_rows", "Rows by outcome.", ["outcome"], registry=registry)
        self._rows = {outcome: self.rows.labels(outcome) for outcome in OUTCOMES}
        # Labels by outcome: accepted, refused.
        labels = Counter("edgeloop_ingestion_labels", "Labels by outcome.", ["outcome"], registry=registry)
        self.labels_accepted, self.labels_refused = labels.labels("accepted"), labels.labels("refused")
        # Raw records outside their device's partition, which were forwarded to it.
        self.forwarded = Counter("edgeloop_ingestion_forwarded", "Misplaced raw records sent on.", registry=registry)
        # Records whose message key names another device.
        self.contradicting_keys = Counter(
            "edgeloop_ingestion_contradicting_keys", "Records whose key names another device.", registry=registry
        )
        # Sequence numbers in closed gaps, which count as accepted.
        self.given_up = Counter("edgeloop_ingestion_given_up", "Sequence numbers in closed gaps.", registry=registry)

    def count_accepted(self, verdict: Verdict, result: Acceptance) -> None:
        """Count the rows of a batch by outcome."""
        refused = verdict.batch.count - int(verdict.valid.sum()) if verdict.complaint else 0
        self.count_rows(
            accepted=result.accepted,
            duplicate=result.duplicate,
            uncompared=result.uncompared,
            contradicting=result.contradicting,
            refused=refused,
            masked=verdict.masked,
        )
        if result.given_up:
            self.given_up.inc(result.given_up)

    def count_rows(self, **outcomes: int) -> None:
        """Count rows by outcome."""
        for outcome, rows in outcomes.items():
            if rows:
                self._rows[outcome].inc(rows)
