"""Composition root of the trainer."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_datasets import StreamDefinitions
from edgeloop_readers import Policies
from edgeloop_signing.keys import Signer
from edgeloop_streaming import Context, Service

from edgeloop_trainer.core.plans import apply_policy
from edgeloop_trainer.handlers import Ports, TrainerTask
from edgeloop_trainer.io.champions import Champions
from edgeloop_trainer.io.fit_process import FitProcess, Limits
from edgeloop_trainer.io.fit_queue import FitQueue
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.rows import Rows
from edgeloop_trainer.metrics import Metrics
from edgeloop_trainer.settings import Settings
from edgeloop_trainer.spec import SPEC


def build(context: Context, settings: Settings, signer: Signer) -> Service:
    """The service. The fit process starts here, to be ready for the first request."""
    process = FitProcess(Limits(seconds=settings.fit_seconds, memory_bytes=settings.fit_memory_mb << 20))
    process.start()
    reader = context.reader()
    rows = Rows(reader)
    models = Models(reader)
    ports = Ports(
        rows=rows,
        models=models,
        champions=Champions(context.follower([topics.MODEL_EVENTS])),
        fits=FitQueue(rows, models, StreamDefinitions(context.table(topics.STREAMS)), process),
        plans=Policies(context.table(topics.POLICIES), settings.plan, apply_policy, context.metrics, context.log),
        signer=signer,
        metrics=Metrics(context.metrics),
    )
    return Service(name=SPEC.name, inputs=SPEC.inputs, task=lambda partition, state: TrainerTask(partition, state, ports))
