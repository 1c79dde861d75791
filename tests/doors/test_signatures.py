"""Admission of records on a real broker: forgeries become dead letters with their reasons, honest devices go on, and a device enrols itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeloop_contracts import (
    Admission,
    ChangeDevice,
    DeadLetter,
    DeviceAction,
    Feature,
    Heartbeat,
    IssueToken,
    MemberKey,
    ObservationBatch,
    SetAdmission,
    StreamDefinition,
    StreamKey,
    topics,
)
from edgeloop_contracts.keys import TenantKey
from edgeloop_kafka.writer_schemas import fingerprint
from edgeloop_local.ports import free_port
from edgeloop_signing.device_signatures import HEADER, RecordSignature, signed_message
from edgeloop_signing.enrolment import Token
from edgeloop_signing.keys import Role, generate_keys
from edgeloop_signing.record_admission import MAX_AGE_S
from edgeloop_streaming import Context
from support.broker import Cluster
from support.fleet import Fleet
from support.processes import environment

pytestmark = pytest.mark.doors
TENANT = "default"
ROWS = 4


class Scene:
    """Programs on a cluster, and what they wrote."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.settings = cluster.settings()
        self.folder = folder
        self.context = Context(self.settings, "test")
        self.out = self.context.publisher()
        self.seen: dict[str, list[Any]] = {}
        self.followers: dict[str, Any] = {}
        definition = StreamDefinition(tenant=TENANT, stream="pumps", version=1, features=(Feature(name="x"),))
        self.put(topics.STREAMS, StreamKey(TENANT, "pumps"), definition)

    def put(self, topic: Any, key: Any, event: Any, **more: Any) -> None:
        self.out.publish(topic, key, event, **more)
        assert self.out.flush(30) == 0

    def batch(self, device: str, first: int, sign: Any) -> None:
        rows = np.arange(first, first + ROWS, dtype="<f4").tobytes()
        batch = ObservationBatch(tenant=TENANT, stream="pumps", device_id=device, boot_epoch=1, first_seq=first, count=ROWS, features=rows)
        self.put(topics.OBSERVATIONS_RAW, topics.OBSERVATIONS_RAW.key_of(batch), batch, sign=sign)

    def records(self, topic: Any) -> list[Any]:
        follower = self.followers.get(topic.name)
        if follower is None:
            follower = self.followers[topic.name] = self.context.follower([topic])
        self.seen.setdefault(topic.name, []).extend(follower.poll(0.2))
        return self.seen[topic.name]

    def until(self, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, {name: [one.event for one in seen][-5:] for name, seen in self.seen.items()}
        return found

    def reasons(self) -> list[str]:
        letters: list[DeadLetter] = [one.event for one in self.records(topics.dead_letters("ingestion"))]
        return sorted(letter.reason for letter in letters)

    def accepted(self, device: str) -> int:
        return sum(one.event.count for one in self.records(topics.OBSERVATIONS) if one.event.device_id == device)

    @contextmanager
    def running(self, package: str, **more: str) -> Iterator[None]:
        with (self.folder / f"{package}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", package], env=environment(self.settings, **more), stdout=log, stderr=log)
        try:
            yield
            assert process.poll() is None, (self.folder / f"{package}.log").read_text(encoding="utf-8")[-2_000:]
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def scene(cluster: Cluster, tmp_path: Path) -> Scene:
    return Scene(cluster, tmp_path)


def test_forgeries_become_dead_letters_and_honest_devices_go_on(scene: Scene) -> None:
    fleet = Fleet(scene.out, TENANT)
    fleet.close()
    p0, p1 = fleet.enrol("p0"), fleet.enrol("p1")
    with scene.running("edgeloop_ingestion"):
        scene.batch("p0", 0, p0)
        scene.until(lambda: scene.accepted("p0") == ROWS)
        scene.batch("p0", 4, None)
        scene.batch("p0", 4, p1)
        scene.batch("p0", 4, lambda topic, key, schema, body: p0(topic, key, schema, body + b"?"))
        scene.batch("p0", 4, lambda _, key, schema, body: p0(topics.LABELS_RAW.name, key, schema, body))
        scene.until(lambda: len(scene.reasons()) == 4)
        assert scene.reasons() == ["BAD_SIGNATURE", "BAD_SIGNATURE", "UNKNOWN_KEY", "UNSIGNED"]
        scene.batch("p2", 0, fleet.enrol("p2"))  # enrolled a moment ago
        scene.batch("p0", 4, p0)
        scene.until(lambda: (scene.accepted("p0"), scene.accepted("p2")) == (2 * ROWS, ROWS))
        fleet.enrol("p1", until=1)
        time.sleep(2 * MAX_AGE_S)
        scene.batch("p1", 0, p1)
        scene.until(lambda: "REVOKED" in scene.reasons())
        scene.batch("p0", 8, p0)
        scene.until(lambda: scene.accepted("p0") == 3 * ROWS)
        assert scene.accepted("p1") == 0
        assert len(scene.reasons()) == 5


def test_a_device_enrols_itself_with_a_token_is_heard_and_is_silent_once_it_is_revoked(scene: Scene) -> None:
    token, tenant = Token.new(), TenantKey(TENANT)
    trust = generate_keys(scene.folder / "keys", Role.REGISTRY).public
    device = {
        "EDGELOOP_INFERENCE_DEVICE": "p7",
        "EDGELOOP_INFERENCE_TOKEN": token.text,
        "EDGELOOP_INFERENCE_HEARTBEAT_S": "1",
        "EDGELOOP_INFERENCE_GRPC_PORT": str(free_port()),
        "EDGELOOP_INFERENCE_DATA_DIR": str(scene.folder / "disk"),
        "EDGELOOP_INFERENCE_TRUST_FILE": str(trust),
    }
    now = int(time.time() * 1000)
    with scene.running("edgeloop_fleet"), scene.running("edgeloop_inference", **device):
        command = SetAdmission(tenant=TENANT, command_id="c1", admission=Admission.ENROLLED, late_s=30.0, lost_s=600.0, who="test")
        scene.put(topics.FLEET_COMMANDS, tenant, command)
        issue = IssueToken(
            tenant=TENANT, token_id=token.token_id, command_id="c2", public_key=token.public_key, uses=1, expires=now + 600_000, who="test"
        )
        scene.put(topics.FLEET_COMMANDS, tenant, issue)
        found = scene.until(
            lambda: next((one.event for one in scene.records(topics.FLEET_DEVICES) if one.event.device_id == "p7" and one.event.keys), None)
        )
        scene.until(lambda: len(beats(scene)) >= 3)
        for received in beats(scene):
            signature = RecordSignature.parse(received.headers[HEADER])
            assert signature is not None
            message = signed_message(
                topics.FLEET_HEARTBEATS.name, MemberKey(TENANT, "p7").encode(), fingerprint(Heartbeat), received.raw[5:]
            )
            assert signature.holds(found.keys[-1].public_key, message)
        offset = scene.until(lambda: beats(scene)[-1].event.vitals.clock_offset_ms)
        assert abs(offset) < 1_000, "device and broker share one clock here"
        revoke = ChangeDevice(tenant=TENANT, device_id="p7", command_id="c3", action=DeviceAction.REVOKE, who="test", why="stolen")
        scene.put(topics.FLEET_COMMANDS, tenant, revoke)
        scene.until(lambda: scene.records(topics.FLEET_DEVICES)[-1].event.enrolment == "REVOKED")
        time.sleep(3.0)
        count = len(beats(scene))
        time.sleep(3.0)
        assert len(beats(scene)) == count, "a device that knows of its revocation keeps silent"


def beats(scene: Scene) -> list[Any]:
    return [one for one in scene.records(topics.FLEET_HEARTBEATS) if isinstance(one.event, Heartbeat)]
