"""Specification of the service `ingestion`: all lists of services are generated from it."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="ingestion",
    decides="which raw records are valid and new, and their device's partition",
    reads=(
        Reads(topics.OBSERVATIONS_RAW, "batches of rows of one device"),
        Reads(topics.OBSERVATION_ROWS_RAW, "single rows, of producers that cannot batch"),
        Reads(topics.OBSERVATION_NAMED_RAW, "single rows with their features by name"),
        Reads(topics.LABELS_RAW, "labels"),
        Reads(topics.STREAMS, "stream definitions", Access.WHOLE),
        Reads(topics.FLEET_CONFIG, "which tenants admit signed records alone", Access.WHOLE),
        Reads(topics.FLEET_DEVICES, "keys of devices", Access.WHOLE),
    ),
    writes=(
        Writes(topics.OBSERVATIONS, "checked batches, each row once"),
        Writes(topics.LABELS, "checked labels; a [number](../../docs/regression.md) in its one text"),
        Writes(
            topics.DEVICES_DOUBTED, "a device in whose name records came that cannot all be its own; monitoring raises `DOUBTED_DEVICES`"
        ),
        Writes(topics.OBSERVATIONS_RAW, "records that lay in another device's partition, unchanged"),
        Writes(topics.OBSERVATION_ROWS_RAW, "the same"),
        Writes(topics.OBSERVATION_NAMED_RAW, "the same"),
        Writes(topics.LABELS_RAW, "the same"),
    ),
    state=Kept(
        (e.SeenRows, e.SeenContents, e.SeenSamples, e.SeenEpochs),
        "rows seen by device and epoch: their numbers, and digests of their contents",
    ),
    refuses="records that it refused, with the reason",
    settings="edgeloop_ingestion.settings:Settings",
)
