"""Specification of the service `registry`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import Partitions, topics
from edgeloop_contracts import events as e
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="registry",
    decides="stream definitions, versions and their signatures",
    reads=(
        Reads(topics.MODEL_CANDIDATES, "candidates for versions"),
        Reads(topics.MODEL_COMMANDS, "stream definitions, new or changed"),
        Reads(topics.MODEL_CHUNKS, "the candidate's file", Access.OFFSET),
        Reads(topics.TRAINING_REQUESTS, "the requests that a candidate may answer", Access.WHOLE),
    ),
    writes=(
        Writes(topics.MODEL_EVENTS, "a version, or a refusal"),
        Writes(topics.STREAMS, "the newest definition of each stream"),
    ),
    state=Kept((e.RegistryState,), "the newest event of the chain; definition, version and request of each stream", Partitions.ONE),
    settings="edgeloop_registry.settings:Settings",
    scales=False,
    signs=True,
    trusts=(("TRAINER_TRUST_FILE", "trainer"),),
)
