"""A real Kafka and schema registry for tests: a given one, containers, or the embedded stack.

``EDGELOOP_TEST_BOOTSTRAP`` (with ``EDGELOOP_TEST_SCHEMA_REGISTRY_URL``) names a running one. Else testcontainers starts one if a Docker
engine answers. Else the embedded stack starts. Every test works under a topic prefix of its own.
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from edgeloop_cli.topics_access import grants
from edgeloop_cli.topics_apply import apply_topics
from edgeloop_kafka import KafkaSettings
from edgeloop_local.ports import free_port
from edgeloop_local.sasl_listener import SaslListener
from edgeloop_local.stack import LocalStack

KAFKA_IMAGE = os.environ.get("EDGELOOP_TEST_KAFKA_IMAGE", "apache/kafka:4.2.1")
REGISTRY_IMAGE = os.environ.get("EDGELOOP_TEST_REGISTRY_IMAGE", "apicurio/apicurio-registry-mem:2.6.13.Final")
API = "/apis/ccompat/v7"


@dataclass(frozen=True)
class Cluster:
    """Addresses of the test cluster."""

    bootstrap: str
    registry_url: str
    kind: str
    sasl: SaslListener | None = None

    def settings(self, prefix: str | None = None, *, topics: bool = True, **more: object) -> KafkaSettings:
        """Settings with a new prefix, under which all topics exist."""
        head = f"t{uuid.uuid4().hex[:8]}." if prefix is None else prefix
        settings = KafkaSettings(bootstrap=self.bootstrap, schema_registry_url=self.registry_url, topic_prefix=head, extra={}, **more)
        if topics:
            apply_topics(settings, partitions=4, replication=1)
        return settings


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """The cluster for a test run."""
    if given := os.environ.get("EDGELOOP_TEST_BOOTSTRAP"):
        yield Cluster(given, os.environ["EDGELOOP_TEST_SCHEMA_REGISTRY_URL"], "given")
    elif docker_answers():
        with containers() as running:
            yield running
    else:
        sasl = SaslListener(free_port(), {user: secrets.token_hex(8) for user in sorted({grant.user for grant in grants("")})})
        with LocalStack(directory, sasl=sasl) as stack:
            yield Cluster(stack.bootstrap, stack.registry_url, "embedded", sasl)


def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=3)
        client.ping()
    except DockerException:
        return False
    return True


@contextmanager
def containers() -> Iterator[Cluster]:
    """Kafka and registry as containers."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = free_port()
    kafka = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    listeners = f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:29093"
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": listeners,
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:29093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    for name, value in environment.items():
        kafka = kafka.with_env(name, value)
    registry = DockerContainer(REGISTRY_IMAGE).with_exposed_ports(8080)
    kafka.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    with kafka, registry:
        url = f"http://127.0.0.1:{registry.get_exposed_port(8080)}{API}"
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/subjects").raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield Cluster(f"127.0.0.1:{port}", url, "containers")
