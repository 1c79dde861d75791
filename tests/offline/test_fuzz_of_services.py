"""Random records in the topics of each service: its loop goes on, and every record is handled, dead-lettered, or skipped and counted."""

from __future__ import annotations

import json
import math
import random
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
import structlog
from edgeloop_adapter import app as adapter
from edgeloop_adapter.settings import Settings as AdapterSettings
from edgeloop_contracts import Event, Feature, StreamDefinition, Topic, topics
from edgeloop_contracts.registered import TEXTS
from edgeloop_drift import app as drift
from edgeloop_drift.settings import Settings as DriftSettings
from edgeloop_fleet import app as fleet
from edgeloop_fleet.settings import Settings as FleetSettings
from edgeloop_ingestion import app as ingestion
from edgeloop_ingestion.settings import Settings as IngestionSettings
from edgeloop_kafka import KafkaSettings, default_event
from edgeloop_labels import app as labels
from edgeloop_labels.settings import Settings as LabelsSettings
from edgeloop_readers.skipped_records import SkippedRecords
from edgeloop_registry import app as registry
from edgeloop_retraining import app as retraining
from edgeloop_retraining.settings import Settings as RetrainingSettings
from edgeloop_rollout import app as rollout
from edgeloop_streaming import Service
from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.testing import MemoryBroker, MemoryLoop
from prometheus_client import CollectorRegistry

ROUNDS, RECORDS = 4, 60
TEXT = ["", "default", "pumps", "p1", "a/b", "good", "bad", "t", "x" * 5_000, "é\u0000\u200b", "-", "1e999", "nan", " good "]
LONGS = [0, 1, 2, 3, -1, 7, 2**31 - 1, -(2**31), 2**53, 2**63 - 1, -(2**63)]
NUMBERS = [0.0, 1.0, -1.0, 0.5, math.nan, math.inf, -math.inf, 1e308, 5e-324]
NAMES = {"tenant": "default", "stream": "pumps", "device_id": "p1", "label": "good"}


class Strangers:
    """Invented records."""

    def __init__(self, seed: int, broker: MemoryBroker) -> None:
        self.random = random.Random(seed)
        self.broker = broker

    def value(self, avro: Any, named: dict[str, Any], name: str = "") -> Any:
        chance = self.random
        avro = named.get(avro, avro) if isinstance(avro, str) else avro
        match avro:
            case list():
                return self.value(chance.choice(avro), named, name)
            case {"type": "record", "name": own, "fields": fields}:
                named[own] = avro
                return {one["name"]: self.value(one["type"], named, one["name"]) for one in fields}
            case {"type": "enum", "name": own, "symbols": symbols}:
                named[own] = avro
                return chance.choice(symbols)
            case {"type": "array", "items": items}:
                return [self.value(items, named, name) for _ in range(chance.choice([0, 1, 2, 2, 3, 20]))]
            case {"type": "map", "values": values}:
                return {chance.choice(TEXT): self.value(values, named) for _ in range(chance.randrange(4))}
            case "string":
                return NAMES[name] if name in NAMES and chance.random() < 0.8 else chance.choice(TEXT)
            case "long":
                return chance.choice(LONGS)
            case "int":
                return max(-(2**31), min(2**31 - 1, chance.choice(LONGS)))
            case "double" | "float":
                return chance.choice(NUMBERS)
            case "boolean":
                return chance.random() < 0.5
            case "bytes":
                return chance.randbytes(chance.choice([0, 1, 4, 8, 16, 100]))
            case _:
                return None

    def made(self, kind: type[Event]) -> bytes:
        """The Avro body of an event of that kind with random values; half of them with most fields at their defaults."""
        schema = json.loads(kind.SCHEMA)
        fields = self.value(schema, {})
        if self.random.random() < 0.5:
            kept = {name for name in fields if self.random.random() < 0.3} | set(NAMES)
            fields = {name: fields[name] if name in kept else value for name, value in default_event(kind).as_dict().items()}
        out = BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(kind.SCHEMA)), fields)
        return out.getvalue()

    def record(self, topic: Topic) -> tuple[bytes, list[tuple[str, bytes]]]:
        chance = self.random
        kind = chance.choice(topic.kinds)
        encoded = self.made(kind)
        frame = self.broker.codec.frame(topic, kind)
        number = frame[1:].rjust(8, b"\0")
        match chance.randrange(10):
            case 0:
                return chance.randbytes(chance.randrange(40)), []
            case 1:
                cut = chance.randrange(len(encoded))
                return frame + encoded[:cut] + chance.randbytes(chance.randrange(5)) + encoded[cut + 1 :], []
            case 2:
                return encoded, [("apicurio.value.globalId", number), ("ce_id", chance.randbytes(chance.choice([3, 600])))]
            case 3:
                schema = json.loads(TEXTS[kind.FULLNAME])
                schema["fields"] = [one for one in schema["fields"] if chance.random() > 0.2]
                lacking = self.broker.schemas.register(f"{topic.name}-{chance.random()}", json.dumps(schema))
                return b"\0" + lacking.to_bytes(4, "big") + encoded, []
            case _:
                return frame + encoded, [("traceparent", chance.randbytes(5))]

    def write(self, topic: Topic) -> None:
        key = self.random.choice([b"default/pumps/p1", b"default/pumps", b"", b"\xff\xfe", b"a" * 600, b"Checkpoint/"])
        value, headers = self.record(topic)
        self.broker.produce(OutputRecord(topic.name, key, value, headers, self.random.randrange(self.broker.partitions_of(topic.name))))


class Process:
    """A context for a composition root, on a broker in memory."""

    def __init__(self, broker: MemoryBroker, name: str) -> None:
        self.broker, self.codec = broker, broker.codec
        self.settings = KafkaSettings(extra={})
        self.metrics = CollectorRegistry()
        self.log = structlog.get_logger()
        self.skipped = SkippedRecords(name, self.log, self.metrics, lambda: broker.publisher(name))

    def reader(self) -> Any:
        made = self.broker.reader()
        made._skipped = self.skipped
        return made

    def follower(self, followed: Any) -> Any:
        made = self.broker.follower(followed)
        made._skipped = self.skipped
        return made

    def table(self, topic: Topic) -> Any:
        from edgeloop_readers import Table

        return Table(self.follower([topic]))

    def publisher(self, timeout_s: float | None = 30.0) -> Any:
        del timeout_s
        return self.broker.publisher("process")

    def latest_records(self, topic: Topic) -> Any:
        return self.broker.latest_records(topic)


class Partitions:
    """The part of an admin client that counts partitions."""

    def __init__(self, _: Any) -> None:
        pass

    def partitions(self, _: Topic) -> int:
        return 2


@pytest.fixture(autouse=True)
def admin(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, registry):
        monkeypatch.setattr(module, "Admin", Partitions)


def built(name: str, process: Any, folder: Path) -> Service:
    from edgeloop_registry.io.trusted_trainers import Trainers
    from edgeloop_signing.keys import Role, generate_keys, load_signer

    def signer(role: Role) -> Any:
        pair = generate_keys(folder, role)
        return load_signer(pair.private, role)

    match name:
        case "ingestion":
            return ingestion.build(process, IngestionSettings())
        case "labels":
            return labels.build(process, LabelsSettings(data_dir=folder))
        case "drift":
            return drift.build(process, DriftSettings())
        case "retraining":
            return retraining.build(process, RetrainingSettings())
        case "adapter":
            return adapter.build(process, AdapterSettings(key_file=folder / "x"), signer(Role.ADAPTER))
        case "registry":
            return registry.build(process, signer(Role.REGISTRY), Trainers((), signer(Role.REGISTRY)))
        case "fleet":
            return fleet.build(process, FleetSettings(tick_s=60))
        case _:
            return rollout.build(process)


SIDES = {
    "ingestion": [topics.STREAMS],
    "labels": [],
    "drift": [topics.STREAMS, topics.POLICIES],
    "retraining": [topics.POLICIES],
    "adapter": [topics.STREAMS, topics.POLICIES, topics.MODEL_EVENTS, topics.MODEL_CHUNKS, topics.EXAMPLES],
    "registry": [topics.TRAINING_REQUESTS, topics.MODEL_CHUNKS],
    "rollout": [topics.ROLLOUT_ASSIGNMENTS],
    "fleet": [],
}


def sample(registry_: CollectorRegistry, name: str) -> float:
    return sum(one.value for family in registry_.collect() for one in family.samples if one.name == name)


@pytest.mark.parametrize("seed", range(1))
@pytest.mark.parametrize("name", SIDES)
def test_no_record_stops_a_service_and_each_is_accounted_for(name: str, seed: int, tmp_path: Path) -> None:
    broker = MemoryBroker(partitions=2)
    strangers = Strangers(seed, broker)
    features = tuple(Feature(name=f) for f in ("t", "p"))
    definition = StreamDefinition(tenant="default", stream="pumps", version=1, features=features, label="state", classes=("good", "bad"))
    broker.publisher("registry").publish(topics.STREAMS, "default/pumps", definition, partition=0)
    process = Process(broker, name)
    service = built(name, process, tmp_path)
    loop = MemoryLoop(service, broker)
    sent = 0
    for _ in range(ROUNDS):
        for side in SIDES[name]:
            for _ in range(10):
                strangers.write(side)
        for topic in service.inputs:
            for _ in range(RECORDS):
                strangers.write(topic)
                sent += 1
        loop.run()
        loop.restart()
        loop.run()
    waiting = sum(
        len(broker.log(topic.name, p).since(loop.assigned[p].end.get(topic.name, 0))) for topic in service.inputs for p in loop.assigned
    )
    assert sample(loop.metrics, "edgeloop_records_handled_total") + waiting >= sent
    dead = sample(loop.metrics, "edgeloop_records_dead_total")
    letters = sum(len(broker.log(topics.dead_letters(name).name, p).since(0)) for p in loop.assigned)
    assert dead > 0
    assert letters >= dead
