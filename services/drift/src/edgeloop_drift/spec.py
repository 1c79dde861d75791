"""Specification of the service `drift`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="drift",
    decides="that a distribution or an error rate has changed, also below an adapter that hides it",
    reads=(
        Reads(topics.OBSERVATIONS, "level one: rows, labelled or not"),
        Reads(topics.EXAMPLES, "level one: labelled rows; batches that correct earlier labels are skipped"),
        Reads(topics.DRIFT_PARTIALS, "level two: its own partials, in the stream's partition"),
        Reads(topics.STREAMS, "feature names for signals; the tolerance of [numbers](../../docs/regression.md)", Access.WHOLE),
        Reads(
            topics.POLICIES,
            "a stream's detector and scopes, changed while it runs; whether its rollouts have phases ([policies](../../docs/policies.md))",
            Access.WHOLE,
        ),
    ),
    writes=(
        Writes(topics.DRIFT_PARTIALS, "error bytes of consecutive labelled rows, or feature sums of a block"),
        Writes(topics.ERROR_WINDOWS, "right and wrong answers by device and version, for streams whose policy of rollouts has phases"),
        Writes(topics.DRIFT_SIGNALS, "a change, and how far detection has come; both in the stream's partition"),
    ),
    state=Kept((e.DetectorState, e.BlockState), "snapshots of detectors, and open blocks"),
    refuses="records whose parts do not fit together (`MALFORMED`)",
    settings="edgeloop_drift.settings:Settings",
)
