"""Puts the registry together."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_signing.keys import Signer
from edgeloop_streaming import Context, RangeGoneError, Service
from edgeloop_streaming.admin import Admin

from edgeloop_registry.adapters.artifacts import Artifacts
from edgeloop_registry.adapters.graph import check_graph
from edgeloop_registry.adapters.requests import Requests
from edgeloop_registry.adapters.trainers import Trainers
from edgeloop_registry.handlers import Ports, RegistryTask
from edgeloop_registry.metrics import Metrics

NAME = "registry"
INPUTS = (topics.MODEL_CANDIDATES, topics.MODEL_COMMANDS)


def build(context: Context, signer: Signer, trainers: Trainers) -> Service:
    """Wire the registry to the clients of a process."""
    admin = Admin(context.settings)
    artifacts = Artifacts(context.reader(), lambda: admin.partitions(topics.MODEL_CHUNKS), RangeGoneError)
    requests = Requests(context.follower([topics.TRAINING_REQUESTS]))
    ports = Ports(artifacts, check_graph, signer, trainers.signed, requests.offset, Metrics(context.metrics))
    return Service(name=NAME, inputs=INPUTS, task=lambda _partition, state: RegistryTask(state, ports))
