"""The service `fleet` and its commands: enrolment, tokens, configurations and health on a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import EnrolmentRequest, Heartbeat, Vitals, topics
from edgeloop_signing.enrolment import Token
from edgeloop_signing.keys import Role, generate_keys
from edgeloop_streaming import Context
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.integration
EDGELOOP = Path(sys.executable).parent / "edgeloop"


class Stage:
    """The service `fleet`, the command line, and devices that are only heard."""

    def __init__(self, cluster: Cluster) -> None:
        settings = cluster.settings()
        self.context = Context(settings, "test")
        self.environment = environment(settings) | {"EDGELOOP_FLEET_TICK_S": "0.5"}
        self.publisher = self.context.publisher()
        self.service: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.service = subprocess.Popen([sys.executable, "-m", "edgeloop_fleet"], env=self.environment)

    def stop(self) -> None:
        if self.service is not None:
            self.service.terminate()
            self.service.wait(20)

    def edgeloop(self, *arguments: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            [EDGELOOP, *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.edgeloop(*arguments, "--json"))

    def beat(self, name: str, instance: str, seq: int) -> None:
        event = Heartbeat(tenant="default", device_id=name, vitals=Vitals(instance=instance, host="bench", seq=seq))
        self.publisher.publish(topics.FLEET_HEARTBEATS, topics.FLEET_HEARTBEATS.key_of(event), event)
        assert self.publisher.flush() == 0

    def ask(self, token: Token, name: str, key: bytes) -> None:
        event = EnrolmentRequest(
            tenant="default", device_id=name, public_key=key, token_id=token.token_id, proof=token.proof("default", name, key)
        )
        self.publisher.publish(topics.FLEET_ENROLMENTS, topics.FLEET_ENROLMENTS.key_of(event), event)
        assert self.publisher.flush() == 0

    def health(self, name: str) -> str:
        return {row["device"]: row["health"] for row in self.json("devices")}.get(name, "")

    def until(self, name: str, health: str) -> None:
        deadline = time.monotonic() + 60
        while self.health(name) != health:
            assert time.monotonic() < deadline
            assert self.service is not None
            assert self.service.poll() is None


@pytest.fixture
def stage(cluster: Cluster) -> Iterator[Stage]:
    made = Stage(cluster)
    yield made
    made.stop()


@pytest.mark.timeout(300)
def test_devices_are_enrolled_configured_heard_missed_and_revoked(stage: Stage, tmp_path: Path) -> None:
    pair = generate_keys(tmp_path, Role.REGISTRY)
    told = stage.edgeloop("device", "enrol", "p1", "--key", pair.public, "--timeout", "1", code=1)
    assert "the service fleet did not answer within 1 s: does it run?" in told
    stage.start()
    deadline = time.monotonic() + 60
    while "p1" not in [row["device"] for row in stage.json("devices")]:  # carried out once the service runs
        assert time.monotonic() < deadline
    told = stage.edgeloop("device", "enrol", "p1", "--key", pair.public, code=2)
    assert told == "edgeloop: refused, ENROLLED_ALREADY: default/p1 is enrolled already: rotate its key, or replace the device\n"
    stage.edgeloop("device", "label", "p1", "site=a", "--group", "north", "--who", "ann", "--why", "moved")
    shown = stage.json("device", "show", "p1")
    assert (shown["enrolment"], shown["group"], shown["labels"], shown["who"], shown["why"], shown["health"]) == (
        "ENROLLED",
        "north",
        {"site": "a"},
        "ann",
        "moved",
        "UNHEARD",
    )

    lines = stage.edgeloop("device", "token", "--uses", "1", "--group", "south").splitlines()
    token = Token.parse(lines[-1])
    stage.ask(token, "p2", Token.of(bytes(32)).public_key)
    stage.ask(token, "p3", Token.of(bytes([1] * 32)).public_key)
    deadline = time.monotonic() + 30
    while '"reason": "USED_TOKEN"' not in (answers := stage.edgeloop("tail", "fleet.answers", "--kind", "EnrolmentRefused", "--json")):
        assert time.monotonic() < deadline, answers
    assert stage.json("device", "show", "p2")["group"] == "south"
    assert "has no device 'p3'; it has p1, p2" in stage.edgeloop("device", "show", "p3", code=2)

    stage.edgeloop("device", "admission", "--late", "3", "--lost", "6")
    assert "late after 3 s, lost after 6 s" in stage.edgeloop("device", "admission")
    stage.edgeloop("device", "config", "--set", "sampling=0.5", "--set", "heartbeat_s=1")
    assert "refused, IMPOSSIBLE: sampling" in stage.edgeloop("device", "config", "--set", "sampling=2", code=2)
    stage.edgeloop("device", "config", "--group", "north", "--set", "log_level=DEBUG")
    settings = stage.json("device", "config", "--device", "p1", "--show")["settings"]
    assert {name: (one["value"], one["scope"]) for name, one in settings.items()} == {
        "sampling": (0.5, "TENANT"),
        "heartbeat_s": (1.0, "TENANT"),
        "log_level": ("DEBUG", "GROUP"),
    }

    stage.beat("p1", "one", 0)
    stage.beat("p1", "two", 0)
    stage.beat("p1", "one", 1)
    stage.until("p1", "LOST")  # nobody is heard at all, and the time goes on
    assert stage.json("device", "show", "p1")["twins"] == ["one@bench", "two@bench"]
    assert [row["device"] for row in stage.json("devices", "--health", "lost", "--group", "north", "--label", "site=a")] == ["p1"]

    stage.stop()
    stage.start()
    stage.edgeloop("device", "revoke", "p1", "--why", "stolen")
    stage.beat("p1", "one", 2)
    deadline = time.monotonic() + 30
    while "REVOKED" not in stage.edgeloop("deadletters", "--service", "fleet"):
        assert time.monotonic() < deadline
    shown = stage.json("device", "show", "p1")
    assert (shown["enrolment"], shown["why"], shown["keys"][0]["until"] is not None) == ("REVOKED", "stolen", True)
    assert "revoked" in stage.edgeloop("devices")
    stage.edgeloop("device", "readmit", "p1", "--why", "found")
    stage.edgeloop("device", "enrol", "p1", "--public-key", Token.of(bytes([7] * 32)).public_key.hex())
    assert "expected a new key" in stage.edgeloop("device", "enrol", "p1", "--key", pair.public, "--replace", code=2)
