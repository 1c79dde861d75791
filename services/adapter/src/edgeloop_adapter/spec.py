"""Specification of the service `adapter`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="adapter",
    decides="what a stream's mixture learns between two versions",
    reads=(
        Reads(topics.DRIFT_PARTIALS, "`ERRORS` partials: the order of each stream's labelled rows"),
        Reads(topics.EXAMPLES, "the rows", Access.OFFSET),
        Reads(topics.MODEL_EVENTS, "the versions that take part", Access.WHOLE, (e.ModelVersion,)),
        Reads(topics.MODEL_CHUNKS, "their files", Access.OFFSET),
        Reads(topics.STREAMS, "the first classes, or the tolerance of numbers", Access.WHOLE),
        Reads(
            topics.POLICIES,
            "learning rate and frequency of adapters, changed while it runs ([policies](../../docs/policies.md))",
            Access.WHOLE,
        ),
    ),
    writes=(
        Writes(
            topics.MODEL_ADAPTERS,
            "first memory blocks, then frames, then adapters, in each transaction",
            (e.MemoryBlock, e.AdapterFrame, e.ModelAdapter),
        ),
    ),
    state=Kept((e.LearnerState, e.AdapterFrame, e.ModelAdapter, e.MemoryBlock), "mixtures, and the adapters that labels may still name"),
    settings="edgeloop_adapter.settings:Settings",
    signs=True,
)
