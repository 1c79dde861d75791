"""Foreign schemas in a real schema registry: found, read, refused, reported; and a foreign record in a state topic."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from edgeloop_cli.topics_apply import apply_topics
from edgeloop_contracts import Label, SeenRows, topics
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import Codec, RegistryUnavailableError, SchemaRegistry, body
from edgeloop_kafka.codec import UndecodableError
from edgeloop_kafka.subjects import foreign
from edgeloop_readers.follower import Follower
from edgeloop_readers.range_reader import RangeReader
from edgeloop_streaming.state_recovery import NoStateError, readable
from edgeloop_streaming.state_repair import NothingToMendError, mend
from support.broker import Cluster

pytestmark = pytest.mark.doors
ROOT = Path(__file__).resolve().parent.parent.parent
FILE = (ROOT / "schemas/label/Label.avsc").read_text(encoding="utf-8")
LABEL = Label(tenant="acme", stream="pumps", device_id="p1", boot_epoch=1, seq=3, request_id="r1", label="worn")


class Door:
    """A schema registry with the subjects of one prefix."""

    def __init__(self, cluster: Cluster, *, applied: bool = True) -> None:
        self.settings = cluster.settings(topics=applied)
        self.subject = f"{self.settings.topic_prefix}labels.raw-value"
        self.registry = SchemaRegistry(self.settings.schema_registry_url)
        self.codec = Codec(self.registry, self.settings.topic_prefix)
        self.client = SchemaRegistryClient({"url": self.settings.schema_registry_url})

    def post(self, subject: str, schema: str, kind: str = "AVRO", references: Any = ()) -> int:
        asked = {"schema": schema, "schemaType": kind, "references": list(references)}
        answer = httpx.post(f"{self.settings.schema_registry_url}/subjects/{subject}/versions", json=asked)
        assert answer.is_success, answer.text
        return answer.json()["id"]

    def serialized(self, schema: str, fields: dict[str, Any], **conf: Any) -> bytes:
        context = SerializationContext(f"{self.settings.topic_prefix}labels.raw", MessageField.VALUE)
        return AvroSerializer(self.client, schema, conf=conf)(fields, context)

    def versions(self) -> list[int]:
        return self.client.get_versions(self.subject)

    def reason(self, data: bytes) -> str:
        with pytest.raises(UndecodableError) as caught:
            self.codec.decode(topics.LABELS_RAW, data)
        return caught.value.reason


@pytest.fixture
def door(cluster: Cluster) -> Door:
    return Door(cluster)


def written(schema: dict[str, Any], fields: dict[str, Any]) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), fields)
    return out.getvalue()


def framed(schema_id: int, encoded: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + encoded


def test_the_repositorys_file_is_found_and_makes_no_new_version(door: Door) -> None:
    assert door.codec.decode(topics.LABELS_RAW, door.serialized(FILE, LABEL.as_dict(), **{"auto.register.schemas": False})) == LABEL
    assert door.codec.decode(topics.LABELS_RAW, door.serialized(FILE, LABEL.as_dict())) == LABEL
    assert door.versions() == [1]
    assert '"doc": "Owner of the stream."' in door.registry.latest(door.subject).text
    assert not foreign(door.registry, door.settings.topic_prefix)


def test_a_schema_registered_without_its_docs_gets_them_with_the_next_apply_and_old_records_stay_readable(cluster: Cluster) -> None:
    door = Door(cluster, applied=False)
    old = door.registry.register(door.subject, Label.SCHEMA)
    apply_topics(door.settings, partitions=1)
    assert door.registry.latest(door.subject).text == FILE
    fresh = Codec(door.registry, door.settings.topic_prefix)
    assert fresh.encode(topics.LABELS_RAW, LABEL)[1:5] == door.registry.latest(door.subject).id.to_bytes(4, "big")
    assert fresh.decode(topics.LABELS_RAW, framed(old, body(LABEL))) == LABEL
    assert not apply_topics(door.settings, partitions=1).changes_something


def test_a_strangers_defaults_change_what_others_write_and_nobodys_tenant(door: Door) -> None:
    schema = json.loads(FILE)
    schema["fields"] = [one for one in schema["fields"] if one["name"] not in {"tenant", "request_id"}]
    own = door.serialized(json.dumps(schema), LABEL.as_dict())
    assert door.versions() == [1, 2]
    door.client = SchemaRegistryClient({"url": door.settings.schema_registry_url})
    latest = {"auto.register.schemas": False, "use.latest.version": True}
    context = SerializationContext(f"{door.settings.topic_prefix}labels.raw", MessageField.VALUE)
    misled = AvroSerializer(door.client, conf=latest)(LABEL.as_dict(), context)
    assert [door.reason(own), door.reason(misled)] == ["NO_IDENTITY", "NO_IDENTITY"]
    assert door.codec.decode(topics.LABELS_RAW, door.serialized(FILE, LABEL.as_dict(), **{"auto.register.schemas": False})) == LABEL
    [one] = foreign(door.registry, door.settings.topic_prefix)
    assert one.subject == door.subject
    assert one.harmful


def test_logical_types_and_references_are_read_through_the_registry(door: Door) -> None:
    schema = json.loads(FILE)
    plain = json.loads(FILE)
    next(one for one in schema["fields"] if one["name"] == "event_time")["type"] = {"type": "long", "logicalType": "timestamp-millis"}
    schema["fields"].append({"name": "operator", "type": ["null", "string"], "default": None})
    plain["fields"].append({"name": "operator", "type": ["null", "string"], "default": None})
    schema_id = door.post(door.subject, json.dumps(schema))
    assert door.codec.decode(topics.LABELS_RAW, framed(schema_id, written(plain, LABEL.as_dict() | {"operator": "a"}))) == LABEL
    part = {"type": "record", "name": f"acme.Place{door.settings.topic_prefix[1:-1]}", "fields": [{"name": "hall", "type": "string"}]}
    subject = f"{door.settings.topic_prefix}place"
    door.post(subject, json.dumps(part))
    whole = json.loads(FILE)
    whole["fields"].append({"name": "place", "type": part["name"]})
    reference = {"name": part["name"], "subject": subject, "version": 1}
    schema_id = door.post(f"{door.settings.topic_prefix}site", json.dumps(whole), references=[reference])
    whole["fields"][-1]["type"] = part
    data = written(whole, LABEL.as_dict() | {"place": {"hall": "3"}})
    assert door.codec.decode(topics.LABELS_RAW, framed(schema_id, data)) == LABEL
    [latest] = httpx.get(
        f"{door.settings.schema_registry_url.split('/apis/')[0]}/apis/registry/v2/groups/default/artifacts/{door.settings.topic_prefix}site/versions"
    ).json()["versions"]
    for header, number in (("apicurio.value.globalId", latest["globalId"]), ("apicurio.value.contentId", latest["contentId"])):
        assert door.codec.decode(topics.LABELS_RAW, data, {header: number.to_bytes(8, "big")}) == LABEL
    assert door.codec.decode(topics.LABELS_RAW, b"\0" + latest["globalId"].to_bytes(8, "big") + data) == LABEL


def test_other_formats_and_numbers_that_nobody_gave_out_are_dead_letters(door: Door) -> None:
    head = door.settings.topic_prefix
    protobuf = door.post(f"{head}pb", 'syntax = "proto3"; message A { string a = 1; }', "PROTOBUF")
    described = '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"type": "string"}}}'
    assert door.reason(framed(protobuf, b"x")) == "WRONG_FORMAT"
    assert door.reason(framed(door.post(f"{head}js", described, "JSON"), b"x")) == "WRONG_FORMAT"
    assert door.reason(framed(2**31 - 1, b"x")) == "UNKNOWN_SCHEMA"
    assert [door.reason(framed(number, b"x")) for number in (0, 2**31, 2**32 - 1)] == ["NOT_AVRO"] * 3
    assert door.reason(b"\0" + (2**40).to_bytes(8, "big")) == "UNKNOWN_SCHEMA"
    for headers in (
        {"apicurio.value.globalId": (2**62).to_bytes(8, "big")},
        {"apicurio.value.contentHash": b"abc"},
        {"__value_schema_id": b"\1" + bytes(16)},
    ):
        with pytest.raises(UndecodableError, match=r"UNKNOWN_SCHEMA.*: set "):
            door.codec.decode(topics.LABELS_RAW, body(LABEL), headers)


def test_a_registry_at_a_wrong_address_judges_no_record(door: Door) -> None:
    head = door.settings.schema_registry_url.split("/apis/")[0]
    for url in (f"{head}/apis/ccompat/v7/nowhere", f"{head}/nowhere", "http://127.0.0.1:1"):
        with pytest.raises(RegistryUnavailableError):
            Codec(SchemaRegistry(url)).decode(topics.LABELS_RAW, framed(1, body(LABEL)))


def test_a_state_topic_is_mended_with_what_its_key_held_before(door: Door) -> None:
    topic = topics.state("ingestion")
    name = door.settings.topic_prefix + topic.name
    good = door.codec.encode(topic, SeenRows(device_id="p1"))
    producer = Producer({"bootstrap.servers": door.settings.bootstrap})
    for key, value in ((b"SeenRows/p1", good), (b"SeenRows/p1", b"garbage"), (b"\xff", b"garbage"), (b"Checkpoint/", b"garbage")):
        producer.produce(name, key=key, value=value, partition=0)
    producer.flush()
    assert mend(door.settings, door.codec, topic, 0, 1).offset == 0
    assert mend(door.settings, door.codec, topic, 0, 2).offset is None
    for offset, why in ((0, "as its service writes it"), (1, "written over"), (3, "no checkpoint"), (99, "no such record")):
        with pytest.raises(NothingToMendError, match=why):
            mend(door.settings, door.codec, topic, 0, offset)
    reader = RangeReader(door.settings, door.codec)
    assert reader.end(topic, 0) == 6
    [*_, mended] = reader.read(topic, 0, 0, 6)
    reader.close()
    assert (mended.offset, mended.event) == (4, SeenRows(device_id="p1"))
    with pytest.raises(NoStateError):
        readable(topic, b"SeenRows/p1", b"garbage", door.codec)


def test_a_topic_that_is_followed_is_read_on_behind_whatever_lies_in_it(door: Door) -> None:
    told: list[str] = []
    follower = Follower(door.settings, door.codec, [topics.LABELS_RAW], lambda _, __, error, **___: told.append(error.reason))
    producer = Producer({"bootstrap.servers": door.settings.bootstrap})
    name = door.settings.topic_prefix + topics.LABELS_RAW.name
    for value in (b"", b"\0", framed(2**31 - 1, b""), framed(2**32 - 1, b""), b"{}", door.codec.encode(topics.LABELS_RAW, LABEL)):
        producer.produce(
            name,
            value=value,
            partition=0,
            headers=[("ce_id", b"\xff" * 5_000), ("apicurio.value.globalId", b"") if not value else ("x", None)],
        )
    producer.flush()
    seen: list[Any] = []
    follower.refresh(lambda record: seen.append(record.event))
    follower.close()
    assert seen == [LABEL]
    assert sorted(told) == ["NOT_AVRO", "NOT_AVRO", "NOT_AVRO", "NOT_AVRO", "UNKNOWN_SCHEMA"]
    assert TEXTS[Label.FULLNAME] == FILE
