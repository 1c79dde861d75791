"""Composition root of detection."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_readers import Policies
from edgeloop_streaming import Context, Service, State

from edgeloop_drift.core.policies import apply_policy
from edgeloop_drift.handlers import DriftTask
from edgeloop_drift.io.definitions import FeatureNames, Tolerances
from edgeloop_drift.metrics import Metrics
from edgeloop_drift.settings import Settings
from edgeloop_drift.spec import SPEC


def build(context: Context, settings: Settings) -> Service:
    """Wire detection to the clients of a process."""
    metrics = Metrics(context.metrics)
    policies = Policies(context.table(topics.POLICIES), settings.rules, apply_policy, context.metrics, context.log)
    streams = context.table(topics.STREAMS)
    names, tolerances = FeatureNames(streams), Tolerances(streams)

    def task(partition: int, state: State) -> DriftTask:
        return DriftTask(partition, state, policies, names, tolerances.of, metrics)

    return Service(name=SPEC.name, inputs=SPEC.inputs, task=task)
