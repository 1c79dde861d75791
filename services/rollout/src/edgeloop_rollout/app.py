"""Puts the rollout together."""

from __future__ import annotations

from functools import partial

from edgeloop_contracts import topics
from edgeloop_signing.record_admission import Speakers
from edgeloop_streaming import Context, Service

from edgeloop_rollout.handlers import RolloutTask
from edgeloop_rollout.io.groups import GroupsOfFleet
from edgeloop_rollout.spec import SPEC


def build(context: Context) -> Service:
    """Wire the rollout to the clients of a process."""
    config, devices = (partial(context.table, topic) for topic in (topics.FLEET_CONFIG, topics.FLEET_DEVICES))
    speakers = Speakers(config, devices, context.codec.signed_parts)
    assignments = context.latest_records(topics.ROLLOUT_ASSIGNMENTS)
    groups = GroupsOfFleet(context.table(topics.FLEET_DEVICES))
    return Service(name=SPEC.name, inputs=SPEC.inputs, task=lambda _partition, state: RolloutTask(state, assignments, speakers, groups))
