"""Composition root of retraining."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_readers import Policies
from edgeloop_streaming import Context, Service, State

from edgeloop_retraining.core.policy import apply_policy
from edgeloop_retraining.handlers import RetrainingTask
from edgeloop_retraining.metrics import Metrics
from edgeloop_retraining.settings import Settings
from edgeloop_retraining.spec import SPEC


def build(context: Context, settings: Settings) -> Service:
    """Wire retraining to the clients of a process."""
    metrics = Metrics(context.metrics)
    policies = Policies(context.table(topics.POLICIES), settings.policy, apply_policy, context.metrics, context.log)
    reader = context.reader()
    cluster = reader.cluster_id()
    reader.close()

    def task(partition: int, state: State) -> RetrainingTask:
        return RetrainingTask(partition, state, policies, cluster, metrics)

    return Service(name=SPEC.name, inputs=SPEC.inputs, task=task)
