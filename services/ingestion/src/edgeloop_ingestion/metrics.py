"""Every metric that ingestion owns."""

from __future__ import annotations

from edgeloop_admission import Verdict
from prometheus_client import CollectorRegistry, Counter

from edgeloop_ingestion.core.intake import Taken

OUTCOMES = ("accepted", "duplicate", "uncompared", "contradicting", "refused", "masked")


class Metrics:
    """Counters of ingestion. A transaction that is repeated counts again: they tell rates, not totals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Rows by what became of them: accepted; duplicate; uncompared (dropped as a duplicate, its contents no longer remembered); contradicting
        # (under a known number, with other contents); refused; masked (accepted, with a feature hidden).
        self.rows = Counter("edgeloop_ingestion_rows", "Rows by outcome.", ["outcome"], registry=registry)
        self._rows = {outcome: self.rows.labels(outcome) for outcome in OUTCOMES}
        # Labels by what became of them: accepted, refused.
        labels = Counter("edgeloop_ingestion_labels", "Labels by outcome.", ["outcome"], registry=registry)
        self.labels_accepted, self.labels_refused = labels.labels("accepted"), labels.labels("refused")
        # Raw records that lay in another partition than their device's and were sent on there.
        self.forwarded = Counter("edgeloop_ingestion_forwarded", "Misplaced raw records sent on.", registry=registry)
        # Records whose message key names another device than they do.
        self.contradicting_keys = Counter(
            "edgeloop_ingestion_contradicting_keys", "Records whose key names another device.", registry=registry
        )
        # Sequence numbers that count as seen only because their gap had to be closed.
        self.given_up = Counter("edgeloop_ingestion_given_up", "Sequence numbers in closed gaps.", registry=registry)

    def count_taken(self, verdict: Verdict, taken: Taken) -> None:
        """Count the rows of a batch that was taken in as far as possible."""
        refused = verdict.batch.count - int(verdict.valid.sum()) if verdict.complaint else 0
        self.count_rows(
            accepted=taken.accepted,
            duplicate=taken.duplicate,
            uncompared=taken.uncompared,
            contradicting=taken.contradicting,
            refused=refused,
            masked=verdict.masked,
        )
        if taken.given_up:
            self.given_up.inc(taken.given_up)

    def count_rows(self, **outcomes: int) -> None:
        """Count rows by outcome."""
        for outcome, rows in outcomes.items():
            if rows:
                self._rows[outcome].inc(rows)
