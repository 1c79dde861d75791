"""Specification of the service `rollout`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import Partitions, topics
from edgeloop_contracts import events as e
from edgeloop_contracts.service_spec import Access, Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="rollout",
    decides="which device runs which version",
    reads=(
        Reads(topics.MODEL_EVENTS, "the newest version of each stream"),
        Reads(topics.FLEET_REPORTED, "the devices of each stream"),
        Reads(topics.ROLLOUT_ASSIGNMENTS, "whether its last assignment of a device is unchanged", Access.WHOLE),
    ),
    writes=(Writes(topics.ROLLOUT_ASSIGNMENTS, "the version of a device"),),
    state=Kept((e.RolloutState,), "the newest version of each stream; the devices that are known", Partitions.ONE),
    scales=False,
)
