"""The rights that ``edgeloop topics --acls`` prints, on a broker that enforces them: the loop closes with exactly these rights."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from edgeloop_cli.cluster_setup import make_keys
from edgeloop_cli.device_client import DeviceClient
from edgeloop_cli.processes import SERVICES, Device, device_child, service_child
from edgeloop_cli.topics_access import acls
from edgeloop_cli.topics_apply import apply_topics
from edgeloop_contracts import (
    Alert,
    AlertKind,
    DeviceReport,
    ExampleBatch,
    Feature,
    Label,
    ModelCandidate,
    ModelVersion,
    ObservationRow,
    Policy,
    RegisterStream,
    StartTraining,
    Topic,
    topics,
)
from edgeloop_kafka import KafkaSettings
from edgeloop_kafka.received_record import received_from
from edgeloop_local import ChildSpec, Supervisor
from edgeloop_local.ports import free_port
from edgeloop_readers.topic_scan import Scanner
from edgeloop_streaming import Context, Subscription
from support.broker import Cluster

pytestmark = pytest.mark.doors
KEY, SENSOR, ROWS = "default/pumps", "default/pumps/sensor", 120
RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional_id": ResourceType.TRANSACTIONAL_ID}


def bindings(command: str) -> Iterator[AclBinding]:
    """The rights that a printed command grants, as ``kafka-acls.sh`` reads it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap-server", required=True)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--resource-pattern-type", default="literal")
    for name in RESOURCES:
        parser.add_argument(f"--{name.replace('_', '-')}", action="append", default=[])
    given = parser.parse_args(shlex.split(command)[1:])
    pattern = ResourcePatternType[given.resource_pattern_type.upper()]
    named = [(kind, name) for option, kind in RESOURCES.items() for name in getattr(given, option)]
    assert named, f"names no resource: {command}"
    for kind, name in named:
        for operation in given.operation:
            upper = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in operation).lstrip("_")
            yield AclBinding(kind, name, pattern, given.allow_principal, "*", AclOperation[upper], AclPermissionType.ALLOW)


class Guarded:
    """A cluster whose users have the rights of the printed commands."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        if cluster.sasl is None:
            pytest.skip("the broker that was given enforces no rights")
        self.cluster, self.folder, self.sasl = cluster, folder, cluster.sasl
        self.prefix = cluster.settings(topics=False).topic_prefix
        self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        self.given = list(dict.fromkeys(binding for line in acls(self.prefix, cluster.bootstrap) for binding in bindings(line)))
        self.allow(self.given)
        apply_topics(self.settings("edgeloop-admin"), partitions=4, replication=1)
        make_keys(folder)

    def allow(self, wanted: list[AclBinding]) -> None:
        for answer in self.admin.create_acls(wanted, request_timeout=30).values():
            answer.result()

    def deny(self, wanted: list[AclBinding]) -> None:
        filters = [
            AclBindingFilter(b.restype, b.name, b.resource_pattern_type, b.principal, b.host, b.operation, b.permission_type)
            for b in wanted
        ]
        for answer in self.admin.delete_acls(filters, request_timeout=30).values():
            assert len(answer.result()) == 1

    def login(self, user: str) -> dict[str, str]:
        return {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": self.sasl.passwords[user],
        }

    def settings(self, user: str) -> KafkaSettings:
        where = {"bootstrap": self.sasl.bootstrap, "schema_registry_url": self.cluster.registry_url}
        return KafkaSettings(**where, topic_prefix=self.prefix, extra=self.login(user))

    def context(self, user: str) -> Context:
        return Context(self.settings(user), user)

    def service(self, name: str) -> ChildSpec:
        return service_child(name, free_port(), self.folder, self.settings(f"edgeloop-{name}").environment())

    def put(self, user: str, records: list[tuple[Topic, str, Any]]) -> None:
        publisher = self.context(user).publisher()
        for topic, key, event in records:
            publisher.publish(topic, key, event)
        assert publisher.flush(30) == 0
        assert publisher.failures() == []


@pytest.fixture
def guarded(cluster: Cluster, tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(cluster, tmp_path)
    yield made
    made.deny(made.given)


class Outsider:
    """A consumer with its own group that reads public topics until it has seen the expected records."""

    def __init__(self, guarded: Guarded) -> None:
        self.seen: list[Any] = []
        self._codec = guarded.context("edgeloop-consumer").codec
        self._topics = {guarded.prefix + topic.name: topic for topic in topics.FACTS}
        where = {"bootstrap.servers": guarded.sasl.bootstrap, "group.id": f"{guarded.prefix}edgeloop-consumer-1"}
        self._consumer = Consumer({**where, **guarded.login("edgeloop-consumer"), "auto.offset.reset": "earliest"})
        self._consumer.subscribe(list(self._topics))

    def until(self, found: Callable[[Any], bool], what: str, seconds: float = 150.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event in self.seen:
                if found(event):
                    return event
            message: Any = self._consumer.poll(0.5)
            if message is not None:
                assert message.error() is None, message.error()
                self.seen.append(received_from(message, self._topics[message.topic()], self._codec).event)
        raise AssertionError(f"{what} did not come; there were {[type(event).__name__ for event in self.seen][-30:]}")


class _Quiet:
    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def rows(first: int, count: int) -> list[tuple[Topic, str, Any]]:
    """Rows of a sensor with their labels."""
    rng = np.random.default_rng(first)
    found: list[tuple[Topic, str, Any]] = []
    for seq in range(first, first + count):
        heat = float(rng.normal())
        found.append(
            (
                topics.OBSERVATION_ROWS_RAW,
                SENSOR,
                ObservationRow(tenant="default", stream="pumps", device_id="sensor", boot_epoch=1, seq=seq, features=(heat, 1.0)),
            )
        )
        label = Label(tenant="default", stream="pumps", device_id="sensor", boot_epoch=1, seq=seq, label="hot" if heat > 0 else "cold")
        found.append((topics.LABELS_RAW, SENSOR, label))
    return found


@contextmanager
def platform(guarded: Guarded) -> Iterator[Device]:
    device = Device("p1", free_port(), free_port(), ("pumps",))
    specs = [guarded.service(name) for name in (*SERVICES, "monitoring")]
    with Supervisor(specs) as services:
        services.wait_ready(180)
        with Supervisor([device_child(device, guarded.folder, guarded.settings("edgeloop-inference").environment())]):
            yield device


def test_the_loop_closes_with_exactly_the_printed_rights(guarded: Guarded) -> None:
    outsider = Outsider(guarded)
    with platform(guarded) as device:
        features = (Feature(name="heat"), Feature(name="one"))
        guarded.put(
            "edgeloop-cli",
            [(topics.MODEL_COMMANDS, KEY, RegisterStream(tenant="default", stream="pumps", features=features, classes=("cold", "hot")))],
        )
        outsider.until(lambda e: type(e).__name__ == "StreamDefinition", "the definition")
        guarded.put("edgeloop-producer", rows(0, ROWS))
        guarded.put(
            "edgeloop-cli",
            [(topics.RETRAINING_COMMANDS, KEY, StartTraining(tenant="default", stream="pumps", command_id="first", rows=ROWS))],
        )
        outsider.until(lambda e: isinstance(e, ModelVersion) and e.version == 1, "version 1")
        outsider.until(lambda e: isinstance(e, DeviceReport) and e.version == 1, "its installation")
        client = DeviceClient("p1", device.target, "pumps")
        answered = [client.ask(np.array([heat, 1.0], np.float32)) for heat in np.linspace(-2, 2, 40)]
        labels = [Label(tenant="default", stream="pumps", device_id="p1", boot_epoch=a.epoch, seq=a.seq, label=a.label) for a in answered]
        guarded.put("edgeloop-producer", [(topics.LABELS_RAW, "default/pumps/p1", label) for label in labels] + rows(ROWS, ROWS))
        outsider.until(lambda e: isinstance(e, ExampleBatch) and e.device_id == "p1", "labelled rows of the device")
        outsider.until(lambda e: isinstance(e, DeviceReport) and (e.adapter or 0) > 0, "an adapter on the device")
        # An administrator writes a forged record: monitoring has the right to report it.
        publisher = Context(guarded.cluster.settings(guarded.prefix, topics=False), "stranger").publisher()
        publisher.publish(topics.MODEL_CANDIDATES, KEY, ModelCandidate(tenant="default", stream="pumps", request_id="first/0"))
        assert publisher.flush(30) == 0
        outsider.until(lambda e: isinstance(e, Alert) and e.kind is AlertKind.FORGED_CANDIDATE, "the alert")
        cli = guarded.context("edgeloop-cli")
        cli.key_updater(topics.POLICIES).update(KEY, lambda _: Policy(tenant="default", stream="pumps", version=1))
        outsider.until(lambda e: isinstance(e, Policy), "the policy")
        scan, _ = Scanner(cli.settings, cli.codec, topics.all_topics(), topics.STATE_KINDS, lambda key: key.startswith(KEY)).scan()
        assert all(scan.committed[service] for service in topics.STATE_KINDS)
        mirrored: list[Any] = []
        mirror = guarded.context("edgeloop-mirror")
        subscription = Subscription(mirror.settings, mirror.codec, _Quiet(), "mirror", (topics.TRAINING_RUNS, topics.MODEL_EVENTS))
        deadline = time.monotonic() + 60
        subscription.run(lambda received: mirrored.append(received.event), lambda: bool(mirrored) or time.monotonic() > deadline)
        assert mirrored


@pytest.mark.parametrize(
    ("service", "left_out"),
    [
        ("registry", (ResourceType.TOPIC, AclOperation.READ, "training.requests")),
        ("labels", (ResourceType.TRANSACTIONAL_ID, AclOperation.WRITE, "edgeloop-labels-")),
        ("retraining", (ResourceType.GROUP, AclOperation.READ, "edgeloop-retraining")),
        ("rollout", (ResourceType.TOPIC, AclOperation.READ, "fleet.reported")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[2],
)
def test_without_one_of_its_rights_a_service_does_not_work_and_says_why(
    guarded: Guarded, service: str, left_out: tuple[Any, Any, str]
) -> None:
    kind, operation, name = left_out
    user = f"User:edgeloop-{service}"
    implied = (operation, AclOperation.DESCRIBE)  # of which the second is optional
    gone = [
        b for b in guarded.given if b.principal == user and b.restype == kind and b.name == guarded.prefix + name and b.operation in implied
    ]
    assert gone
    guarded.deny(gone)
    try:
        spec = guarded.service(service)
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        with spec.log.open("wb") as log:
            process = subprocess.Popen(list(spec.argv), env={**os.environ, **spec.env}, stdout=log, stderr=log)
        try:
            assert process.wait(300) != 0
        finally:
            process.kill()
            process.wait()
    finally:
        guarded.allow(gone)
    said = spec.log.read_text(encoding="utf-8").lower()
    assert "authoriz" in said
    assert "traceback" not in said
