"""Specification of the service `inference`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Reads, Runtime, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="inference",
    decides="what the device answers",
    runtime=Runtime.DEVICE,
    reads=(
        Reads(topics.ROLLOUT_ASSIGNMENTS, "the version that this device runs", Access.WHOLE),
        Reads(topics.STREAMS, "streams and their features", Access.WHOLE),
        Reads(topics.FLEET_CONFIG, "the configuration of the device, its group and its tenant", Access.WHOLE),
        Reads(topics.FLEET_DEVICES, "whether the device is enrolled, and its group", Access.WHOLE),
        Reads(topics.MODEL_CHUNKS, "model files", Access.OFFSET),
        Reads(topics.MODEL_ADAPTERS, "what each stream's mixture has learned: frames, adapters, memory blocks", Access.WHOLE),
        Reads(topics.FLEET_REPORTED, "once for a new outbox: whether this device has reported before, and its epoch", Access.WHOLE),
    ),
    writes=(
        Writes(topics.OBSERVATIONS_RAW, "rows that were answered, in batches of up to 256"),
        Writes(topics.FLEET_HEARTBEATS, "health of the device, every 10 s"),
        Writes(topics.FLEET_ERRORS, "errors by kind and place, each at most once a minute"),
        Writes(topics.FLEET_ENROLMENTS, "with a token: the request to be enrolled"),
        Writes(topics.FLEET_REPORTED, "the device is online, its version and adapter, refusals and their reasons"),
    ),
    settings="edgeloop_inference.settings:Settings",
    memory="1g",
    data_dir=True,
    trusts=(("TRUST_FILE", "registry"), ("ADAPTER_TRUST_FILE", "adapter")),
)
