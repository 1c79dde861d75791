"""Composition root of the adapter service."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_datasets import LabelledRows, ModelFiles, ModelVersions, StreamDefinitions
from edgeloop_mixture.rule import Rule
from edgeloop_readers import Policies
from edgeloop_signing.keys import Signer
from edgeloop_streaming import Context, Service

from edgeloop_adapter.core.policies import apply_policy
from edgeloop_adapter.handlers import AdapterTask, Ports
from edgeloop_adapter.metrics import Metrics
from edgeloop_adapter.settings import Settings
from edgeloop_adapter.spec import SPEC

AHEAD = 64  # batches to read beyond those that are asked for


def build(context: Context, settings: Settings, signer: Signer) -> Service:
    """Wire the task to the clients of a process."""
    reader = context.reader()
    ports = Ports(
        rows=LabelledRows(reader, topics.EXAMPLES, topics.DRIFT_PARTIALS, AHEAD),
        versions=ModelVersions(context.follower([topics.MODEL_EVENTS])),
        files=ModelFiles(reader, topics.MODEL_CHUNKS),
        definitions=StreamDefinitions(context.table(topics.STREAMS)),
        rules=Policies(context.table(topics.POLICIES), Rule(), apply_policy, context.metrics, context.log) if settings.enabled else None,
        signer=signer,
        metrics=Metrics(context.metrics),
    )
    return Service(name=SPEC.name, inputs=SPEC.inputs, task=lambda partition, state: AdapterTask(partition, state, ports))
