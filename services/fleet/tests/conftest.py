"""A fleet without a broker: commands, requests, heartbeats and ticks by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from edgeloop_contracts import (
    Admission,
    ChangeDevice,
    ConfigScope,
    Device,
    DeviceAction,
    DeviceConfig,
    DeviceHealth,
    DeviceReport,
    EnrolDevice,
    EnrolmentMode,
    EnrolmentRequest,
    FleetConfig,
    FleetTick,
    FleetToken,
    Heartbeat,
    IssueToken,
    MemberKey,
    SetAdmission,
    SetConfig,
    Vitals,
    topics,
)
from edgeloop_fleet.handlers import FleetTask
from edgeloop_fleet.metrics import Metrics
from edgeloop_kafka.received_record import received_from
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.enrolment import Token
from edgeloop_signing.keys import Signer
from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.testing import TaskDriver
from prometheus_client import CollectorRegistry

START = 1_000_000


@dataclass
class Fleet:
    """The service on a broker in memory, at a time that tests set."""

    now: int = START
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    commands: int = 0

    def __post_init__(self) -> None:
        metrics = Metrics(self.registry)

        def parts(*record: Any) -> tuple[bytes, bytes]:
            return self.driver.broker.codec.signed_parts(*record)

        self.driver = TaskDriver("fleet", lambda _, state: FleetTask(state, metrics, parts))
        self._seqs: dict[str, int] = {}

    def command(self, command: Any) -> Any:
        """Send a command; give back the answer."""
        key = topics.FLEET_COMMANDS.key_of(command)
        sent: Any = self.driver.send(topics.FLEET_COMMANDS, command, key, timestamp=self.now)
        answers = [send.event for send in sent if send.topic is topics.FLEET_ANSWERS]
        return answers[0] if answers else None

    def id(self) -> str:
        self.commands += 1
        return f"c{self.commands}"

    def enrol(self, name: str, key: bytes, mode: EnrolmentMode = EnrolmentMode.NEW, **fields: Any) -> Any:
        return self.command(
            EnrolDevice(
                **{
                    "tenant": "default",
                    "device_id": name,
                    "command_id": self.id(),
                    "mode": mode,
                    "public_key": key,
                    "who": "ann",
                    "why": "new",
                    **fields,
                }
            )
        )

    def change(self, name: str, action: DeviceAction, **fields: Any) -> Any:
        return self.command(
            ChangeDevice(**{"tenant": "default", "device_id": name, "command_id": self.id(), "action": action, "who": "ann", **fields})
        )

    def token(self, token: Token, uses: int = 1, lasts_s: float = 3600, **fields: Any) -> Any:
        return self.command(
            IssueToken(
                **{
                    "tenant": "default",
                    "token_id": token.token_id,
                    "command_id": self.id(),
                    "public_key": token.public_key,
                    "uses": uses,
                    "expires": self.now + int(lasts_s * 1000),
                    **fields,
                }
            )
        )

    def config(self, scope: ConfigScope = ConfigScope.TENANT, name: str = "", **fields: Any) -> Any:
        others = {key: fields.pop(key) for key in ("schema_version", "withdrawn") if key in fields}
        return self.command(
            SetConfig(tenant="default", command_id=self.id(), scope=scope, name=name, config=DeviceConfig(**fields), who="ann", **others)
        )

    def admission(self, admission: Admission = Admission.ENROLLED, **fields: Any) -> Any:
        return self.command(SetAdmission(tenant="default", command_id=self.id(), admission=admission, **fields))

    def request(self, token: Token, name: str, key: bytes, **fields: Any) -> list[Any]:
        """Ask to be enrolled; give back everything sent."""
        asked = EnrolmentRequest(
            **{
                "tenant": "default",
                "device_id": name,
                "public_key": key,
                "token_id": token.token_id,
                "proof": token.proof("default", name, key),
                **fields,
            }
        )
        sent: Any = self.driver.send(topics.FLEET_ENROLMENTS, asked, MemberKey.of(asked), timestamp=self.now)
        return [send.event for send in sent]

    def beat(self, name: str, instance: str = "i1", **fields: Any) -> list[Any]:
        """Send the next heartbeat of a process; give back everything sent."""
        seq = fields.pop("seq", self._seqs.get(f"{name}/{instance}", -1) + 1)
        self._seqs[f"{name}/{instance}"] = seq
        vitals = Vitals(**{"instance": instance, "host": f"host-{instance}", "seq": seq, "sent_at": self.now, **fields})
        event = Heartbeat(tenant="default", device_id=name, vitals=vitals)
        sent: Any = self.driver.send(topics.FLEET_HEARTBEATS, event, MemberKey.of(event), timestamp=self.now)
        return [send.event for send in sent]

    def signed(self, name: str, seq: int, by: Token, **changes: Any) -> list[Any]:
        """Send a heartbeat with a signature by a key; ``changes`` are made after it was signed."""
        topic, codec = topics.FLEET_HEARTBEATS, self.driver.broker.codec
        event = Heartbeat(tenant="default", device_id=name, vitals=Vitals(instance="i1", seq=seq))
        raw = codec.encode(topic, event)
        signer = RecordSigner(Signer(by.key, by.token_id))
        headers = signer(topic.name, topic.key_of(event).encode(), *codec.signed_parts(topic, raw, {}))
        sent = replace(event, **changes)
        record = OutputRecord(topic.name, topic.key_of(sent).encode(), codec.encode(topic, sent), list(headers.items()), 0)
        received = received_from(self.driver.broker.append(record, (topic.name, 0), self.now, None), topic, codec)
        return [send.event for send in self.driver.transaction([received])]  # type: ignore[union-attr]

    def tick(self) -> list[Any]:
        """Let the time be seen; give back everything sent."""
        sent: Any = self.driver.send(topics.FLEET_HEARTBEATS, FleetTick(source="fleet"), "tick", timestamp=self.now)
        return [send.event for send in sent]

    def report(self, name: str, **fields: Any) -> list[Any]:
        event = DeviceReport(**{"tenant": "default", "stream": "pumps", "device_id": name, **fields})
        sent: Any = self.driver.send(topics.FLEET_REPORTED, event, f"default/pumps/{name}", timestamp=self.now)
        return [send.event for send in sent]

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    def device(self, name: str) -> Device | None:
        return self.driver.state.get(Device, f"default/{name}")

    def health(self, name: str) -> DeviceHealth | None:
        return self.driver.state.get(DeviceHealth, f"default/{name}")

    def known_token(self, token: Token) -> FleetToken | None:
        return self.driver.state.get(FleetToken, f"default/{token.token_id}")

    def configs(self) -> Mapping[str, FleetConfig]:
        return dict(self.driver.state.items(FleetConfig))

    @property
    def dead(self) -> list[str]:
        return [dead.reason for dead in self.driver.dead]


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()
