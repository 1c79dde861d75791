"""Reflection, by which tools such as grpcurl and ghz learn what can be called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from edgeloop_contracts.rpc import open_inference
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2


class Pool:
    """Descriptors of every service of the server; ours are not in the process-wide pool.

    The reflection service looks up methods like messages, but protobuf's pool has a separate call for methods.
    """

    def __init__(self) -> None:
        self._pool: Any = DescriptorPool()
        for serialized in (open_inference.SERIALIZED, health_pb2.DESCRIPTOR.serialized_pb, reflection_pb2.DESCRIPTOR.serialized_pb):
            self._pool.AddSerializedFile(serialized)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, name: str) -> Any:  # noqa: N802 - protobuf's name
        """File of a service, a message, an enum, or of a method.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        try:
            return self._pool.FindFileContainingSymbol(name)
        except KeyError:
            return self._pool.FindMethodByName(name).containing_service.file


def add_reflection(server: grpc.Server, services: Iterable[str]) -> None:
    """Let a server tell of its services, and of this one."""
    pool: Any = Pool()
    reflection.enable_server_reflection((*services, reflection.SERVICE_NAME), server, pool=pool)
