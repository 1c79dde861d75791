"""Specification of the service `monitoring`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Reads, Runtime, ServiceSpec, Writes

SPEC = ServiceSpec(
    name="monitoring",
    decides="that a person should look",
    runtime=Runtime.VIEW,
    reads=(
        Reads(topics.OBSERVATIONS, "rates, ages, silence"),
        Reads(topics.DRIFT_PARTIALS, "the share of wrong answers, as drift counts them"),
        Reads(topics.DRIFT_SIGNALS, "signals"),
        Reads(topics.TRAINING_RUNS, "failed fits"),
        Reads(topics.DEVICES_DOUBTED, "records in a device's name that cannot all be its own"),
        Reads(topics.FLEET_REPORTED, "what devices serve and refuse"),
        Reads(topics.MODEL_EVENTS, "the newest version of each stream; candidates of strangers"),
        Reads(topics.FLEET_DEVICES, "the standing and group of each device"),
        Reads(topics.FLEET_HEALTH, "lost devices, and names that several processes use"),
        Reads(topics.ALERTS, "alerts that are open, at the start", Access.WHOLE),
    ),
    writes=(Writes(topics.ALERTS, "an alert was raised or cleared"),),
    settings="edgeloop_monitoring.settings:Settings",
    observer=True,
    scales=False,
)
