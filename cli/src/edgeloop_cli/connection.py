"""Addresses of Kafka and the schema registry, and the connection to them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgeloop_kafka import KafkaSettings
from edgeloop_local import LocalStack
from edgeloop_streaming import Context

from edgeloop_cli.errors import RefusedError

BOOTSTRAP = "EDGELOOP_KAFKA_BOOTSTRAP"
REGISTRY = "EDGELOOP_SCHEMA_REGISTRY_URL"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka and its schema registry.

    Attributes
    ----------
    bootstrap
        Brokers as ``host:port,host:port``.
    registry_url
        Root of the registry's Confluent-compatible API.
    """

    bootstrap: str
    registry_url: str

    def environment(self) -> dict[str, str]:
        """Variables by which a service finds it."""
        return self.settings().environment()

    def settings(self) -> KafkaSettings:
        """Settings of a client in this process; everything else is taken from the environment."""
        return KafkaSettings(bootstrap=self.bootstrap, schema_registry_url=self.registry_url)

    def context(self, name: str) -> Context:
        """Context to read and write events under a name."""
        return Context(self.settings(), name)


def given(bootstrap: str = "", registry_url: str = "") -> Cluster | None:
    """The cluster that options or the environment name; ``None`` where neither does.

    Raises
    ------
    RefusedError
        One of the two addresses is missing.
    """
    bootstrap = bootstrap or os.environ.get(BOOTSTRAP, "")
    registry_url = registry_url or os.environ.get(REGISTRY, "")
    if not bootstrap:
        return None
    if not registry_url:
        raise RefusedError(f"Kafka at {bootstrap} needs its schema registry besides: give --schema-registry URL or set {REGISTRY}")
    return Cluster(bootstrap, registry_url)


def running(data_dir: Path, bootstrap: str = "", registry_url: str = "") -> Cluster | None:
    """The cluster to attach to: the named one, else the stack that runs on the data directory."""
    if named := given(bootstrap, registry_url):
        return named
    info = LocalStack.attached(data_dir)
    return None if info is None else Cluster(info.bootstrap, info.registry_url)


def required(data_dir: Path, bootstrap: str = "", registry_url: str = "") -> Cluster:
    """The cluster to attach to.

    Raises
    ------
    RefusedError
        None runs.
    """
    found = running(data_dir, bootstrap, registry_url)
    if found is None:
        raise RefusedError(
            f"nothing runs on {data_dir}: start `edgeloop up` in another terminal, or give --bootstrap and --schema-registry"
        )
    return found
