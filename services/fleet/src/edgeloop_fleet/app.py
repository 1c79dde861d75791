"""Composition root of the service `fleet`."""

from __future__ import annotations

from edgeloop_streaming import Context, Service, State

from edgeloop_fleet.handlers import FleetTask
from edgeloop_fleet.io.ticks import Ticks
from edgeloop_fleet.metrics import Metrics
from edgeloop_fleet.settings import Settings
from edgeloop_fleet.spec import SPEC


def build(context: Context, settings: Settings) -> Service:
    """Wire the task to the clients of a process."""
    metrics = Metrics(context.metrics)
    ticks = Ticks(lambda: context.publisher(timeout_s=settings.tick_s), settings.tick_s, context.log)

    def task(_partition: int, state: State) -> FleetTask:
        ticks.start()  # a process without the partition has no need of the time
        return FleetTask(state, metrics, context.codec.signed_parts)

    return Service(name=SPEC.name, inputs=SPEC.inputs, task=task)
