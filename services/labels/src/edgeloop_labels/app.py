"""Composition root of the label join."""

from __future__ import annotations

from urllib.parse import quote

from edgeloop_streaming import Context, Service, State

from edgeloop_labels.core.rules import HOUR_MS, Rules
from edgeloop_labels.handlers import LabelsTask
from edgeloop_labels.io.cache import PendingCache
from edgeloop_labels.io.database import PendingFile
from edgeloop_labels.metrics import Metrics
from edgeloop_labels.settings import Settings
from edgeloop_labels.spec import SPEC


def build(context: Context, settings: Settings) -> Service:
    """Wire the label join to the clients of a process and to its disk."""
    reader = context.reader()
    metrics = Metrics(context.metrics)
    rules = Rules(
        horizon_ms=int(settings.horizon_hours * HOUR_MS),
        horizon_bytes=settings.horizon_bytes,
        patience_ms=int(settings.patience_s * 1000),
    )
    # One folder per instance, so that two processes on one machine never share a file.
    folder = settings.data_dir / quote(f"{context.settings.topic_prefix}{context.settings.instance}", safe="")

    def task(partition: int, state: State) -> LabelsTask:
        cache = PendingCache(PendingFile(folder / f"{partition}.sqlite"), settings.memory_bytes)
        return LabelsTask(partition, state, cache, reader, rules, metrics)

    return Service(name=SPEC.name, inputs=SPEC.inputs, task=task)
