"""Specification of the service `trainer`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="trainer",
    decides="the challenger, and whether it beats the champion",
    reads=(
        Reads(topics.TRAINING_REQUESTS, "the rows of a fit, and the end of its gate"),
        Reads(topics.DRIFT_PARTIALS, "the order of each stream's labelled rows"),
        Reads(topics.EXAMPLES, "the rows", Access.OFFSET),
        Reads(topics.MODEL_EVENTS, "champions, and the registry's answers to candidates", Access.WHOLE),
        Reads(topics.STREAMS, "features, and whether labels are numbers", Access.WHOLE),
        Reads(topics.POLICIES, "a stream's recipe and gate, see [policies](../../docs/policies.md)", Access.WHOLE),
        Reads(topics.MODEL_CHUNKS, "files of champion and challenger after a restart", Access.OFFSET),
    ),
    writes=(
        Writes(topics.TRAINING_RUNS, "the steps and the end of each run"),
        Writes(topics.MODEL_CANDIDATES, "a challenger that won, signed"),
        Writes(topics.MODEL_CHUNKS, "its file; a tombstone once it was rejected"),
    ),
    state=Kept((e.GateState,), "runs that have not ended"),
    settings="edgeloop_trainer.settings:Settings",
    memory="2g",
    signs=True,
)
