"""Composition root of ingestion."""

from __future__ import annotations

from functools import partial

from edgeloop_contracts import topics
from edgeloop_kafka.admin import Admin
from edgeloop_signing.record_admission import Speakers
from edgeloop_streaming import Context, Service, State

from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.io.definitions import StreamRules
from edgeloop_ingestion.metrics import Metrics
from edgeloop_ingestion.settings import Settings
from edgeloop_ingestion.spec import SPEC


def build(context: Context, settings: Settings) -> Service:
    """Wire ingestion to the clients of a process."""
    rules = StreamRules(context.table(topics.STREAMS), settings.definitions_max_age_s)
    metrics = Metrics(context.metrics)
    config, devices = (partial(context.table, topic) for topic in (topics.FLEET_CONFIG, topics.FLEET_DEVICES))
    speakers = Speakers(config, devices, context.codec.signed_parts)
    partitions = Admin(context.settings).partitions(topics.OBSERVATIONS_RAW)

    def task(partition: int, state: State) -> IngestionTask:
        return IngestionTask(partition, partitions, state, rules, metrics, speakers)

    return Service(name=SPEC.name, inputs=SPEC.inputs, task=task)
