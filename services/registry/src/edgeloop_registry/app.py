"""Puts the registry together."""

from __future__ import annotations

from edgeloop_contracts import topics
from edgeloop_signing.keys import load_signer
from edgeloop_streaming import Context, RangeGoneError, Service
from edgeloop_streaming.admin import Admin

from edgeloop_registry.adapters.artifacts import Artifacts
from edgeloop_registry.adapters.graph import check_graph
from edgeloop_registry.handlers import Ports, RegistryTask
from edgeloop_registry.settings import Settings

NAME = "registry"
INPUTS = (topics.MODEL_CANDIDATES, topics.MODEL_COMMANDS)


def build(settings: Settings, context: Context) -> Service:
    """The service, its key loaded.

    Raises
    ------
    KeyProblem
        There is no key to sign with.
    """
    signer = load_signer(settings.key_file, "EDGELOOP_REGISTRY_KEY_FILE")
    admin = Admin(context.settings)
    artifacts = Artifacts(context.reader(), lambda: admin.partitions(topics.MODEL_CHUNKS), RangeGoneError)
    ports = Ports(artifacts, check_graph, signer)
    return Service(name=NAME, inputs=INPUTS, task=lambda _partition, state: RegistryTask(state, ports))
