"""Specification of the service `fleet`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import Partitions, topics
from edgeloop_contracts import events as e
from edgeloop_contracts.service_spec import Kept, Reads, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="fleet",
    decides="who is enrolled, in which group, alive, and with which configuration",
    reads=(
        Reads(topics.FLEET_COMMANDS, "enrolments, tokens, labels, configurations, the policy"),
        Reads(topics.FLEET_ENROLMENTS, "requests of devices that hold a token"),
        Reads(topics.FLEET_HEARTBEATS, "health of devices; its own ticks, by which silent devices are judged"),
        Reads(topics.FLEET_REPORTED, "devices of an open tenant, also those that send no heartbeats"),
    ),
    writes=(
        Writes(topics.FLEET_DEVICES, "standing, keys, group and labels of a device"),
        Writes(topics.FLEET_HEALTH, "health of a device: at changes, otherwise at most once a minute"),
        Writes(topics.FLEET_CONFIG, "configurations of tenants, groups and devices; policies of tenants"),
        Writes(topics.FLEET_ANSWERS, "outcome of each command, and refused requests with a typed reason"),
        Writes(topics.FLEET_HEARTBEATS, "ticks", (e.FleetTick,)),
    ),
    state=Kept(
        (e.Device, e.DeviceHealth, e.MemberProcesses, e.FleetToken, e.FleetConfig, e.FleetPolicy, e.SeenCommand),
        "devices with their health and processes, tokens, configurations, policies, ids of commands",
        Partitions.ONE,
    ),
    refuses="heartbeats, reports and commands that it cannot admit, with the reason",
    settings="edgeloop_fleet.settings:Settings",
    scales=False,
)
