"""Puts the registry together."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_kafka.admin import Admin
from edgeloop_signing.keys import Signer
from edgeloop_streaming import Context, Service

from edgeloop_registry.handlers import Ports, RegistryTask
from edgeloop_registry.io.artifacts import Artifacts
from edgeloop_registry.io.graph import check_graph
from edgeloop_registry.io.training_requests import Requests
from edgeloop_registry.io.trusted_trainers import Trainers
from edgeloop_registry.metrics import Metrics
from edgeloop_registry.spec import SPEC


def build(context: Context, signer: Signer, trainers: Trainers) -> Service:
    """Wire the registry to the clients of a process."""
    admin = Admin(context.settings)
    artifacts = Artifacts(context.reader(), lambda: admin.partitions(topics.MODEL_CHUNKS))
    requests = Requests(context.follower([topics.TRAINING_REQUESTS]))
    ports = Ports(artifacts, check_graph, signer, trainers.signed, requests.offset, Metrics(context.metrics))
    return Service(name=SPEC.name, inputs=SPEC.inputs, task=lambda _partition, state: RegistryTask(state, ports))
