"""Specification of the service `labels`: all lists of services are generated from it."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="labels",
    decides="which label belongs to which observation, however late it comes",
    reads=(
        Reads(topics.OBSERVATIONS, "rows, each once"),
        Reads(topics.LABELS, "labels"),
    ),
    writes=(
        Writes(topics.EXAMPLES, "rows with their labels"),
        Writes(topics.LABEL_CONTRADICTIONS, "a row whose label has changed"),
    ),
    state=Kept((e.JoinState, e.LabelledRows, e.WaitingLabel), "labels joined and waiting, counts, and the place in `observations`"),
    refuses="labels whose observation did not come in time",
    settings="edgeloop_labels.settings:Settings",
    data_dir=True,
)
