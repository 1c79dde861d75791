"""Specification of the service `retraining`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="retraining",
    decides="that a fit is due, and on which labelled rows",
    reads=(
        Reads(topics.DRIFT_PARTIALS, "`ERRORS` partials: the count of a stream's labelled rows, and their places in `examples`"),
        Reads(topics.DRIFT_SIGNALS, "rising `ERROR_RATE` signals, which open campaigns; the progress of detection"),
        Reads(topics.RETRAINING_COMMANDS, "a person's order: a stream's first version, or one more version"),
        Reads(topics.TRAINING_RUNS, "first fits that failed or were rejected"),
        Reads(topics.POLICIES, "when a stream's fits are due, changed while it runs ([policies](../../docs/policies.md))", Access.WHOLE),
    ),
    writes=(Writes(topics.TRAINING_REQUESTS, "a fit that is due; its cause is the signal or the command"),),
    state=Kept((e.CampaignState, e.RowPage), "campaigns, and the places of recent rows"),
    refuses="malformed commands and partials",
    settings="edgeloop_retraining.settings:Settings",
)
