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
        Reads(topics.FLEET_REPORTED, "the devices of each stream, and what they run"),
        Reads(topics.FLEET_HEARTBEATS, "devices that can be counted on; ticks, by which waiting rollouts see the time"),
        Reads(topics.ERROR_WINDOWS, "right and wrong answers by device and version"),
        Reads(topics.POLICIES, "phases, and the evidence that they need ([rollouts](../../docs/rollout.md))"),
        Reads(topics.ROLLOUT_COMMANDS, "orders of people"),
        Reads(topics.FLEET_DEVICES, "groups of devices, and their keys", Access.WHOLE),
        Reads(topics.FLEET_CONFIG, "which tenants admit signed reports alone", Access.WHOLE),
        Reads(topics.ROLLOUT_ASSIGNMENTS, "whether its last assignment of a device is unchanged", Access.WHOLE),
    ),
    writes=(
        Writes(topics.ROLLOUT_ASSIGNMENTS, "the version of a device"),
        Writes(topics.ROLLOUT_EVENTS, "stages of rollouts with their evidence, and answers to orders"),
    ),
    state=Kept(
        (e.RolloutState, e.RolloutVersion, e.Policy),
        "rollouts with their evidence; versions; devices that are known; policies of rollouts",
        Partitions.ONE,
    ),
    scales=False,
)
