"""Puts the registry together."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_signing.keys import Signer
from edgeloop_streaming import Context, RangeGoneError, Service
from edgeloop_streaming.admin import Admin

from edgeloop_registry.adapters.artifacts import Artifacts
from edgeloop_registry.adapters.graph import check_graph
from edgeloop_registry.handlers import Ports, RegistryTask

NAME = "registry"
INPUTS = (topics.MODEL_CANDIDATES, topics.MODEL_COMMANDS)


def build(context: Context, signer: Signer) -> Service:
    """Wire the registry to the clients of a process."""
    admin = Admin(context.settings)
    artifacts = Artifacts(context.reader(), lambda: admin.partitions(topics.MODEL_CHUNKS), RangeGoneError)
    ports = Ports(artifacts, check_graph, signer)
    return Service(name=NAME, inputs=INPUTS, task=lambda _partition, state: RegistryTask(state, ports))
