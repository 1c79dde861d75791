"""Records of strangers' schemas: read as they are meant, or refused with the reason; nothing else comes out of a codec."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from io import BytesIO
from typing import Any

import fastavro
import pytest
from edgeloop_contracts import (
    EVENTS,
    CommandAccepted,
    DriftPartial,
    EnrolmentRefused,
    Feature,
    Label,
    NamedRow,
    ObservationBatch,
    ObservationRow,
    Policy,
    RegisterStream,
    RetrainingPolicy,
    RolloutCommand,
    RolloutEvent,
    Topic,
    topics,
)
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import Codec, RegistryUnavailableError, UnknownSchemaError, body, default_event
from edgeloop_kafka.codec import UndecodableError, UnknownKindError
from edgeloop_kafka.framing import Naming, SchemaId
from edgeloop_kafka.schema_registry import WrittenSchema

ROW = ObservationRow(
    tenant="default", stream="pumps", device_id="p1", boot_epoch=1, seq=3, features=(1.5, 2.0), event_time=1_700_000_000_000
)
LABEL = Label(tenant="default", stream="pumps", device_id="p1", boot_epoch=1, seq=3, label="worn", event_time=1_700_000_000_000)


class Registry:
    """Schemas by number, whatever they are."""

    def __init__(self) -> None:
        self.schemas: list[WrittenSchema] = []
        self.asked = 0

    def add(self, found: WrittenSchema) -> bytes:
        self.schemas.append(found)
        return b"\0" + len(self.schemas).to_bytes(4, "big")

    def lookup(self, subject: str, schema: str) -> int:
        return int.from_bytes(self.add(WrittenSchema(schema))[1:], "big")

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        self.asked += 1
        if wanted.naming not in {Naming.ID, Naming.GLOBAL, Naming.CONTENT} or not 0 < int(wanted.value) <= len(self.schemas):
            raise UnknownSchemaError("none")
        return self.schemas[int(wanted.value) - 1]


def schema_of(kind: Any) -> dict[str, Any]:
    return json.loads(TEXTS[kind.FULLNAME])


def changed(kind: Any, **types: Any) -> dict[str, Any]:
    """A schema of ``kind`` with other types."""
    schema = schema_of(kind)
    for one in schema["fields"]:
        if one["name"] in types:
            one["type"] = types[one["name"]]
            one.pop("default", None)
    return schema


def only(kind: Any, *names: str) -> dict[str, Any]:
    schema = schema_of(kind)
    schema["fields"] = [one for one in schema["fields"] if one["name"] in names]
    return schema


def nullable(kind: Any) -> dict[str, Any]:
    """A schema as Connect and NiFi make it: everything may be null."""
    schema = schema_of(kind)
    for one in schema["fields"]:
        avro = one["type"]
        if isinstance(avro, dict) and avro["type"] == "array":
            avro = {"type": "array", "items": ["null", avro["items"]]}
        if isinstance(avro, dict) and avro["type"] == "map":
            avro = {"type": "map", "values": ["null", avro["values"]]}
        one["type"] = ["null", avro]
        one["default"] = None
    return schema


def written(schema: Any, fields: dict[str, Any], references: tuple[Any, ...] = ()) -> bytes:
    out, named = BytesIO(), {}
    for one in references:
        fastavro.parse_schema(json.loads(json.dumps(one)), named_schemas=named)
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema)), named_schemas=named), fields)
    return out.getvalue()


def taken(topic: Topic, schema: Any, fields: dict[str, Any]) -> Any:
    registry = Registry()
    return Codec(registry).decode(topic, registry.add(WrittenSchema(json.dumps(schema))) + written(schema, fields))


def refused(topic: Topic, found: WrittenSchema, encoded: bytes = b"", headers: dict[str, bytes] | None = None) -> UndecodableError:
    registry = Registry()
    with pytest.raises(UndecodableError) as caught:
        Codec(registry).decode(topic, registry.add(found) + encoded, headers)
    return caught.value


@pytest.mark.parametrize(
    ("name", "avro", "given", "read"),
    [
        ("event_time", {"type": "long", "logicalType": "timestamp-millis"}, 1_700_000_000_000, 1_700_000_000_000),
        ("event_time", {"type": "long", "logicalType": "timestamp-micros"}, 1_700_000_000_000_000, 1_700_000_000_000_000),
        ("event_time", {"type": "long", "logicalType": "local-timestamp-millis"}, 5, 5),
        ("event_time", {"type": "long", "logicalType": "time-micros"}, 5, 5),
        ("event_time", {"type": "int", "logicalType": "date"}, 19_000, 19_000),
        ("event_time", {"type": "int", "logicalType": "time-millis"}, 5, 5),
        ("event_time", ["null", {"type": "long", "logicalType": "timestamp-millis"}], 7, 7),
        ("event_time", {"type": "long", "logicalType": "nobody-knows-it"}, 7, 7),
        ("request_id", {"type": "string", "logicalType": "uuid"}, "no uuid at all", "no uuid at all"),
        ("request_id", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, b"42", "42"),
        ("features", {"type": "array", "items": {"type": "int", "logicalType": "date"}}, [19_000], (19_000.0,)),
        ("features", {"type": "array", "items": ["null", {"type": "long", "logicalType": "timestamp-millis"}]}, [7, None], (7.0, math.nan)),
    ],
)
def test_a_logical_type_is_read_as_the_type_below_it(name: str, avro: Any, given: Any, read: Any) -> None:
    plain = json.loads(
        json.dumps(avro), object_hook=lambda o: {k: v for k, v in o.items() if k not in {"logicalType", "precision", "scale"}}
    )
    registry = Registry()
    head = registry.add(WrittenSchema(json.dumps(changed(ObservationRow, **{name: avro}))))
    data = head + written(changed(ObservationRow, **{name: plain}), ROW.as_dict() | {name: given})
    event = Codec(registry).decode(topics.OBSERVATION_ROWS_RAW, data)
    assert repr(getattr(event, name)) == repr(read)
    assert type(getattr(event, name)) is type(read)
    body(event)


def test_logical_types_inside_what_we_do_not_read_change_nothing() -> None:
    schema = schema_of(Label)
    schema["fields"].append({"name": "more", "type": {"type": "map", "values": {"type": "long", "logicalType": "timestamp-millis"}}})
    registry = Registry()
    head = registry.add(WrittenSchema(json.dumps(schema)))
    plain = json.loads(json.dumps(schema).replace('"logicalType": "timestamp-millis"', '"x": 1'))
    assert Codec(registry).decode(topics.LABELS_RAW, head + written(plain, LABEL.as_dict() | {"more": {"a": 2**62}})) == LABEL


@pytest.mark.parametrize(
    ("found", "reason", "told"),
    [
        (WrittenSchema('syntax = "proto3"; message A {}', format="PROTOBUF"), "WRONG_FORMAT", "PROTOBUF"),
        (WrittenSchema('{"type": "object"}', format="JSON"), "WRONG_FORMAT", "JSON"),
        (WrittenSchema("{"), "UNREADABLE_SCHEMA", "schema id 1"),
        (WrittenSchema(""), "UNREADABLE_SCHEMA", "schema id 1"),
        (WrittenSchema('{"type": "nothing"}'), "UNREADABLE_SCHEMA", "nothing"),
        (
            WrittenSchema('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "edgeloop.Missing"}]}'),
            "UNREADABLE_SCHEMA",
            "Missing",
        ),
        (WrittenSchema('{"type": "record", "name": "R", "fields": 5}'), "UNREADABLE_SCHEMA", "schema id 1"),
        (
            WrittenSchema('{"type": "record", "name": "R", "__fastavro_parsed": true, "fields": [{"name": "a", "type": "x"}]}'),
            "UNREADABLE_SCHEMA",
            "x",
        ),
        (WrittenSchema('"string"'), "WRONG_TYPE", "string"),
        (WrittenSchema('["null", "string"]'), "WRONG_TYPE", "null"),
        (WrittenSchema('{"type": "enum", "name": "E", "symbols": ["A"]}'), "WRONG_TYPE", "enum"),
        (WrittenSchema("[" * 5_000 + "]" * 5_000), "UNREADABLE_SCHEMA", "schema id 1"),
        (WrittenSchema('{"type":' * 80 + '"long"' + "}" * 80), "UNREADABLE_SCHEMA", "deep"),
        (WrittenSchema(" " * (2 << 20)), "UNREADABLE_SCHEMA", "characters"),
        (WrittenSchema('{"type": "record", "name": "\\ud800", "fields": []}'), "WRONG_TYPE", "given ?"),
    ],
)
def test_a_schema_that_is_no_readable_record_of_avro_is_a_dead_letter(found: WrittenSchema, reason: str, told: str) -> None:
    error = refused(topics.LABELS_RAW, found)
    assert error.reason == reason
    assert told in error.message
    error.message.encode()


def of_label(**more: Any) -> dict[str, Any]:
    schema = schema_of(Label)
    schema["fields"].append({"name": "more", **more})
    return schema


def doubled(depth: int) -> dict[str, Any]:
    """A record of 2**depth nulls, which takes no byte."""
    inner: Any = {"type": "record", "name": "L0", "fields": [{"name": "x", "type": "null"}]}
    for level in range(1, depth + 1):
        inner = {"type": "record", "name": f"L{level}", "fields": [{"name": "a", "type": inner}, {"name": "b", "type": f"L{level - 1}"}]}
    return inner


@pytest.mark.parametrize(
    "schema",
    [
        of_label(type=["null", "edgeloop.label.Label"]),
        of_label(type=["null", "Label"]),
        of_label(type={"type": "array", "items": "null"}),
        of_label(type={"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}}),
        of_label(type={"type": "array", "items": {"type": "record", "name": "Nulls", "fields": [{"name": "n", "type": "null"}]}}),
        of_label(type={"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
        of_label(type={"type": "map", "values": {"type": "array", "items": "null"}}),
        of_label(type=doubled(12)),
    ],
)
def test_a_schema_by_which_few_bytes_become_much_is_refused(schema: dict[str, Any]) -> None:
    error = refused(topics.LABELS_RAW, WrittenSchema(json.dumps(schema)))
    assert error.reason == "UNSAFE_SCHEMA"


def test_two_types_that_contain_each_other_are_refused() -> None:
    inner = {"type": "record", "name": "Two", "fields": [{"name": "one", "type": ["null", "One"]}]}
    schema = of_label(type=["null", {"type": "record", "name": "One", "fields": [{"name": "two", "type": inner}]}])
    assert refused(topics.LABELS_RAW, WrittenSchema(json.dumps(schema))).reason == "UNSAFE_SCHEMA"


def test_a_schema_that_names_others_is_read_with_them() -> None:
    part = {"type": "record", "name": "acme.Place", "fields": [{"name": "hall", "type": "string"}]}
    whole = {"type": "record", "name": "acme.Site", "fields": [{"name": "place", "type": "acme.Place"}]}
    schema = of_label(type="acme.Site")
    registry = Registry()
    head = registry.add(WrittenSchema(json.dumps(schema), (json.dumps(part), json.dumps(whole))))
    data = head + written(schema, LABEL.as_dict() | {"more": {"place": {"hall": "3"}}}, (part, whole))
    assert Codec(registry).decode(topics.LABELS_RAW, data) == LABEL
    assert refused(topics.LABELS_RAW, WrittenSchema(json.dumps(schema), (json.dumps(part),))).reason == "UNREADABLE_SCHEMA"


def test_a_schema_that_cannot_be_used_is_asked_for_once() -> None:
    registry = Registry()
    codec = Codec(registry)
    data = registry.add(WrittenSchema("x", format="PROTOBUF"))
    for _ in range(3):
        with pytest.raises(UndecodableError):
            codec.decode(topics.LABELS_RAW, data)
    assert registry.asked == 1


# -- identity


@pytest.mark.parametrize(
    ("topic", "kind", "fields", "missing"),
    [
        (topics.LABELS_RAW, Label, ("tenant", "stream", "device_id", "boot_epoch", "seq", "label"), ""),
        (topics.LABELS_RAW, Label, ("tenant", "stream", "device_id", "request_id", "label"), ""),
        (topics.LABELS_RAW, Label, ("stream", "device_id", "boot_epoch", "seq", "label"), "tenant"),
        (topics.LABELS_RAW, Label, ("tenant", "device_id", "boot_epoch", "seq", "label"), "stream"),
        (topics.LABELS_RAW, Label, ("tenant", "stream", "boot_epoch", "seq", "label"), "device_id"),
        (topics.LABELS_RAW, Label, ("tenant", "stream", "device_id", "label"), "seq with boot_epoch or request_id"),
        (topics.LABELS_RAW, Label, ("tenant", "stream", "device_id", "seq", "request_id", "label"), "boot_epoch (beside seq)"),
        (topics.OBSERVATION_ROWS_RAW, ObservationRow, ("tenant", "stream", "device_id", "features"), "seq with boot_epoch or request_id"),
        (topics.OBSERVATIONS_RAW, ObservationBatch, ("tenant", "stream", "device_id", "boot_epoch", "first_seq", "count", "features"), ""),
        (topics.OBSERVATIONS_RAW, ObservationBatch, ("stream", "device_id", "boot_epoch", "first_seq", "count", "features"), "tenant"),
        (topics.OBSERVATIONS_RAW, ObservationBatch, ("tenant", "stream", "device_id", "first_seq", "count", "features"), "boot_epoch"),
        (topics.MODEL_COMMANDS, RegisterStream, ("stream", "features"), "tenant"),
    ],
)
def test_a_writer_without_what_identifies_a_record_is_refused_and_told_what_is_missing(
    topic: Topic, kind: Any, fields: tuple[str, ...], missing: str
) -> None:
    schema = only(kind, *fields)
    event = {Label: LABEL, ObservationRow: ROW}.get(kind) or replace(default_event(kind), stream="pumps")
    if not missing:
        assert taken(topic, schema, event.as_dict()).device_id == event.device_id
        return
    error = refused(topic, WrittenSchema(json.dumps(schema)), written(schema, event.as_dict()))
    assert error.reason == "NO_IDENTITY"
    assert f"no {missing}," in error.message
    assert "use.latest.version" in error.message


OF_A_DEVICE_OR_NONE = {CommandAccepted, EnrolmentRefused, RolloutCommand, RolloutEvent}
"""Orders and their answers, which may be about a tenant or a stream as a whole."""


@pytest.mark.parametrize("kind", sorted({kind for topic in topics.PUBLIC for kind in topic.kinds}, key=lambda kind: kind.FULLNAME))
def test_every_kind_of_a_public_topic_says_what_identifies_it(kind: Any) -> None:
    assert kind.IDENTITY
    names = {"tenant", "stream"} if kind in OF_A_DEVICE_OR_NONE else {"tenant", "stream", "device_id"}
    assert names & {f["name"] for f in schema_of(kind)["fields"]} <= set(kind.IDENTITY)


# -- nulls and numbers


def test_of_a_writer_whose_fields_may_all_be_null_values_are_read() -> None:
    assert taken(topics.OBSERVATION_ROWS_RAW, nullable(ObservationRow), ROW.as_dict()) == ROW
    assert taken(topics.LABELS_RAW, nullable(Label), LABEL.as_dict()) == LABEL
    batch = ObservationBatch(
        tenant="default",
        first_seq=-1,
        stream="pumps",
        device_id="p1",
        boot_epoch=1,
        count=1,
        features=b"1234",
        event_times=(5,),
        answers=("a",),
    )
    assert taken(topics.OBSERVATIONS_RAW, nullable(ObservationBatch), batch.as_dict()) == batch


def test_a_null_is_unknown_where_a_field_knows_unknown() -> None:
    nothing = {"request_id": None, "event_time": None, "model_version": None, "answer": None}
    row = taken(topics.OBSERVATION_ROWS_RAW, nullable(ObservationRow), ROW.as_dict() | nothing | {"features": [1.0, None]})
    assert (row.request_id, row.event_time, row.model_version, row.answer) == ("", 0, 0, "")
    assert row.features[0] == 1.0
    assert math.isnan(row.features[1])
    batch = {"tenant": "acme", "stream": "s", "device_id": "d", "boot_epoch": 1, "first_seq": 0, "count": 2, "features": b"12345678"}
    rest = {"event_times": [None, 4], "request_ids": [None, "x"], "model_version": None, "answers": None, "adapter": None}
    event = taken(topics.OBSERVATIONS_RAW, nullable(ObservationBatch), batch | rest)
    assert (event.event_times, event.request_ids, event.answers) == ((0, 4), ("", "x"), ())


def test_a_row_by_name_holds_what_is_not_null() -> None:
    row = NamedRow(tenant="default", stream="pumps", device_id="p1", boot_epoch=1, seq=3, features={"t": 1.5}, texts={"kind": "a"})
    assert taken(topics.OBSERVATION_NAMED_RAW, nullable(NamedRow), row.as_dict()) == row
    fields = row.as_dict() | {"features": {"t": 1.5, "p": None}, "texts": {"kind": "a", "place": None}}
    assert taken(topics.OBSERVATION_NAMED_RAW, nullable(NamedRow), fields) == row
    assert taken(topics.OBSERVATION_NAMED_RAW, nullable(NamedRow), fields | {"texts": None}).texts == {}


def test_a_label_that_names_its_row_by_request_has_no_number() -> None:
    fields = LABEL.as_dict() | {"seq": None, "boot_epoch": None, "request_id": "r1"}
    assert taken(topics.LABELS_RAW, nullable(Label), fields) == Label(
        tenant="default", stream="pumps", device_id="p1", request_id="r1", label="worn", event_time=LABEL.event_time
    )


@pytest.mark.parametrize(
    ("topic", "kind", "nulls", "named"),
    [
        (topics.LABELS_RAW, Label, {"tenant": None}, "tenant"),
        (topics.LABELS_RAW, Label, {"device_id": None, "label": None}, "device_id, label"),
        (topics.LABELS_RAW, Label, {"boot_epoch": None}, "boot_epoch"),
        (topics.OBSERVATION_ROWS_RAW, ObservationRow, {"features": None}, "features"),
        (topics.OBSERVATIONS_RAW, ObservationBatch, {"first_seq": None}, "first_seq"),
        (topics.OBSERVATIONS_RAW, ObservationBatch, {"features": None}, "features"),
        (topics.MODEL_COMMANDS, RegisterStream, {"classes": ["a", None]}, "classes[1]"),
    ],
)
def test_a_null_where_a_value_is_needed_is_a_dead_letter_that_names_the_field(topic: Topic, kind: Any, nulls: Any, named: str) -> None:
    event = {Label: LABEL, ObservationRow: ROW}.get(kind) or replace(default_event(kind), stream="pumps")
    schema = nullable(kind)
    error = refused(topic, WrittenSchema(json.dumps(schema)), written(schema, event.as_dict() | nulls))
    assert error.reason == "NULL_VALUE"
    assert error.message.endswith(f": {named}")


def test_a_null_deep_inside_is_named_by_its_path() -> None:
    schema = json.loads(
        TEXTS[RegisterStream.FULLNAME].replace(
            '"name": "unit",\n              "type": "string"', '"name": "unit",\n              "type": ["null", "string"]'
        )
    )
    fields = RegisterStream(tenant="default", stream="pumps", features=(Feature(name="t"), Feature(name="p"))).as_dict()
    assert taken(topics.MODEL_COMMANDS, schema, fields).features[1].name == "p"
    fields["features"][1]["unit"] = None
    error = refused(topics.MODEL_COMMANDS, WrittenSchema(json.dumps(schema)), written(schema, fields))
    assert (error.reason, error.message.rpartition(": ")[2]) == ("NULL_VALUE", "features[1].unit")


def test_a_null_deep_inside_a_record_that_may_be_null_is_named_by_its_path() -> None:
    schema = schema_of(Policy)
    retraining = next(one for one in schema["fields"] if one["name"] == "retraining")
    stages = next(one for one in retraining["type"]["fields"] if one["name"] == "stages")
    stages["type"][1]["items"] = ["null", "long"]
    fields = Policy(tenant="default", stream="pumps", retraining=RetrainingPolicy(stages=(0, 100))).as_dict()
    assert taken(topics.POLICIES, schema, fields).retraining.stages == (0, 100)
    fields["retraining"]["stages"][1] = None
    error = refused(topics.POLICIES, WrittenSchema(json.dumps(schema)), written(schema, fields))
    assert (error.reason, error.message.rpartition(": ")[2]) == ("NULL_VALUE", "retraining.stages[1]")


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**62])
def test_an_int_beyond_32_bits_is_a_dead_letter_that_names_the_field(value: int) -> None:
    for schema in (schema_of(ObservationRow), changed(ObservationRow, event_time="int")):
        as_long = json.loads(json.dumps(schema).replace('"int"', '"long"'))
        error = refused(
            topics.OBSERVATION_ROWS_RAW, WrittenSchema(json.dumps(schema)), written(as_long, ROW.as_dict() | {"model_version": value})
        )
        assert error.reason in {"OUT_OF_RANGE", "NOT_AVRO"}
        assert "model_version" in error.message


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (ObservationRow(tenant="default", stream="", device_id="", model_version=2**31), "model_version"),
        (ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1, count=-(2**31) - 1), "count"),
        (ObservationRow(tenant="default", stream="", device_id="", seq=2**63), "ObservationRow"),
        (Label(tenant="default", stream="", device_id="", label="\ud800"), "Label"),
        (ObservationRow(tenant="default", stream="", device_id="", features=("x",)), "ObservationRow"),
    ],
)
def test_what_is_encoded_is_within_its_type(event: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        body(event)
    assert body(ObservationRow(tenant="default", stream="", device_id="", model_version=2**31 - 1, seq=2**63 - 1))


# -- other frames

FULL = json.dumps(schema_of(Label))


def numbered(number: int) -> bytes:
    return number.to_bytes(8, "big")


@pytest.mark.parametrize("header", ["apicurio.value.globalId", "apicurio.value.contentId"])
def test_apicurios_headers_name_the_schema_of_a_bare_body(header: str) -> None:
    registry = Registry()
    registry.add(WrittenSchema(FULL))
    headers = {header: numbered(1), "apicurio.value.encoding": b"BINARY"}
    assert Codec(registry).decode(topics.LABELS_RAW, body(LABEL), headers) == LABEL


def test_ids_of_eight_bytes_are_apicurios() -> None:
    registry = Registry()
    registry.add(WrittenSchema(FULL))
    assert Codec(registry).decode(topics.LABELS_RAW, b"\0" + numbered(1) + body(LABEL)) == LABEL


def test_a_record_that_was_framed_anew_and_kept_its_old_headers_is_read_by_its_frame() -> None:
    registry = Registry()
    other = registry.add(WrittenSchema('{"type": "record", "name": "acme.Order", "fields": []}'))
    head = registry.add(WrittenSchema(FULL))
    assert Codec(registry).decode(topics.LABELS_RAW, head + body(LABEL), {"apicurio.value.globalId": numbered(other[4])}) == LABEL


@pytest.mark.parametrize(
    ("headers", "reason", "told"),
    [
        ({"apicurio.value.globalId": numbered(99)}, "UNKNOWN_SCHEMA", "as-confluent=true"),
        ({"apicurio.value.globalId": b"12"}, "NOT_AVRO", "8 bytes"),
        ({"apicurio.value.globalId": b"\xff" * 8}, "NOT_AVRO", "8 bytes"),
        ({"apicurio.value.contentHash": b"/../"}, "NOT_AVRO", "hex digits"),
        ({"apicurio.value.artifactId": b"x"}, "NOT_AVRO", "as-confluent=true"),
        (
            {"apicurio.value.globalId": numbered(1), "apicurio.value.encoding": b"JSON"},
            "NOT_AVRO",
            "apicurio.registry.avro.encoding=BINARY",
        ),
        ({"__value_schema_id": b"\1" + bytes(16)}, "UNKNOWN_SCHEMA", "prefix"),
        ({"__value_schema_id": b"\1\2"}, "NOT_AVRO", "__value_schema_id"),
    ],
)
def test_a_header_that_leads_to_no_schema_is_a_dead_letter_that_says_what_to_set(headers: dict[str, bytes], reason: str, told: str) -> None:
    registry = Registry()
    registry.add(WrittenSchema(FULL))
    with pytest.raises(UndecodableError) as caught:
        Codec(registry).decode(topics.LABELS_RAW, body(LABEL), headers)
    assert caught.value.reason == reason
    assert told in caught.value.message


@pytest.mark.parametrize("schema_id", [0, 2**31, 2**32 - 1])
def test_a_number_that_no_registry_gives_out_is_not_asked_for(schema_id: int) -> None:
    registry = Registry()
    with pytest.raises(UndecodableError) as caught:
        Codec(registry).decode(topics.LABELS_RAW, b"\0" + schema_id.to_bytes(4, "big") + b"abc")
    assert caught.value.reason == "NOT_AVRO"
    assert registry.asked == 0


# -- whatever comes


def mutated(random_: random.Random, avro: Any, depth: int = 0) -> Any:
    """A schema with something else in some places."""
    others = [
        "null",
        "long",
        "int",
        "string",
        "bytes",
        "boolean",
        {"type": "long", "logicalType": "timestamp-millis"},
        ["null", "string"],
        5,
        None,
    ]
    if random_.random() < 0.04:
        return random_.choice(others)
    if isinstance(avro, dict):
        return {key: mutated(random_, value, depth + 1) for key, value in avro.items() if random_.random() > 0.01}
    if isinstance(avro, list):
        return [mutated(random_, item, depth + 1) for item in avro if random_.random() > 0.03]
    return avro


def test_whatever_a_registry_and_a_record_hold_an_event_a_refusal_or_a_later_comes_out() -> None:
    random_ = random.Random(14)
    seen: set[str] = set()
    for number in range(3_000):
        topic = random_.choice(topics.all_topics())
        kind = random_.choice(topic.kinds)
        registry = Registry()
        own = random_.random() < 0.3
        text = TEXTS[kind.FULLNAME] if own else json.dumps(mutated(random_, schema_of(kind)))
        head = registry.add(WrittenSchema(text, format=random_.choice(["AVRO"] * 20 + ["JSON"])))
        encoded = bytearray(body(default_event(random_.choice([kind, random_.choice(EVENTS)]))))
        for _ in range(random_.randrange(4)):
            encoded[random_.randrange(len(encoded)) : random_.randrange(len(encoded) + 1)] = random_.randbytes(random_.randrange(6))
            encoded = encoded or bytearray(b"\0")
        headers = {"apicurio.value.globalId": random_.randbytes(8)} if random_.random() < 0.05 else {}
        try:
            body(Codec(registry).decode(topic, head + bytes(encoded), headers))
            seen.add("read")
        except UndecodableError as error:
            seen.add(error.reason)
            error.message.encode()
        except (UnknownKindError, RegistryUnavailableError) as error:
            seen.add(type(error).__name__)
        except Exception as error:
            pytest.fail(f"{number}: {topic.name} {kind.FULLNAME}: {error!r} of {text}")
    assert {"read", "NOT_AVRO", "UNREADABLE_SCHEMA", "NO_IDENTITY", "WRONG_FORMAT"} <= seen


def test_bytes_that_an_older_writer_lacks_are_empty_bytes() -> None:
    schema = schema_of(DriftPartial)
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "errors_alone"]
    partial = DriftPartial(tenant="default", stream="pumps", device_id="p1", count=1, errors=b"\1")
    assert taken(topics.DRIFT_PARTIALS, schema, partial.as_dict()) == partial
