"""The codec takes what it wrote, whatever the writer's version, and nothing else."""

import json

import fastavro
import pytest
from edgeloop_contracts import EVENTS, Label, ModelVersion, ObservationBatch, topics
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import Codec, UnknownSchemaError, body, default_event, from_body
from edgeloop_kafka.codec import UndecodableError, UnknownKindError
from edgeloop_kafka.framing import SchemaId
from edgeloop_kafka.schema_registry import WrittenSchema
from edgeloop_kafka.writer_schemas import bound
from fastavro.utils import generate_many
from hypothesis import given
from hypothesis import strategies as st


class Registry:
    """Schemas by number, as a registry gives them."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}

    def add(self, text: str) -> int:
        self.texts[len(self.texts) + 1] = text
        return len(self.texts)

    def lookup(self, subject: str, schema: str) -> int:
        return self.add(schema)

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        if wanted.value not in self.texts:
            raise UnknownSchemaError(wanted)
        return WrittenSchema(self.texts[wanted.value])


def framed(registry: Registry, schema: dict, fields: dict) -> bytes:
    from io import BytesIO

    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), fields)
    return b"\0" + registry.add(json.dumps(schema)).to_bytes(4, "big") + out.getvalue()


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_survives_a_round_trip_with_its_defaults(kind) -> None:
    event = default_event(kind)
    assert from_body(kind, body(event)) == event


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_survives_a_round_trip_with_any_values(kind) -> None:
    for fields in generate_many(json.loads(kind.SCHEMA), 20):
        event = kind.from_dict(fields)
        assert from_body(kind, body(event)) == event


@given(
    st.builds(
        ObservationBatch,
        tenant=st.text(),
        boot_epoch=st.integers(0, 2**40),
        stream=st.text(),
        device_id=st.text(),
        first_seq=st.integers(-(2**63), 2**63 - 1),
        features=st.binary(),
        answers=st.lists(st.text()).map(tuple),
        event_times=st.lists(st.integers(0, 2**60)).map(tuple),
    )
)
def test_an_observation_survives_a_round_trip(event: ObservationBatch) -> None:
    codec = Codec(Registry())
    assert codec.decode(topics.OBSERVATIONS, codec.encode(topics.OBSERVATIONS, event)) == event


def test_a_newer_writer_with_one_more_field_is_understood() -> None:
    registry = Registry()
    schema = json.loads(Label.SCHEMA)
    schema["fields"].append({"name": "confidence", "type": "double", "default": 1.0})
    event = Codec(registry).decode(topics.LABELS_RAW, framed(registry, schema, {"label": "a", "seq": 3, "confidence": 0.5}))
    assert event == Label(tenant="default", stream="", device_id="", label="a", seq=3)


def test_an_older_writer_without_a_field_is_understood() -> None:
    registry = Registry()
    schema = json.loads(Label.SCHEMA)
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "event_time"]
    event = Codec(registry).decode(topics.LABELS_RAW, framed(registry, schema, {"label": "a", "seq": 3}))
    assert event == Label(tenant="default", stream="", device_id="", label="a", seq=3)


def dead(data: bytes, registry: Registry | None = None) -> UndecodableError:
    with pytest.raises(UndecodableError) as caught:
        Codec(registry or Registry()).decode(topics.LABELS_RAW, data)
    return caught.value


def test_bytes_that_are_no_avro_are_named_so() -> None:
    assert dead(b"{}").reason == "NOT_AVRO"
    assert "write with an Avro serializer that uses the schema registry" in str(dead(b'{"tenant": "default"}'))
    assert dead(b"").reason == "NOT_AVRO"
    assert dead(b"\x01\0\0\0\x01abc").reason == "NOT_AVRO"


def test_an_unknown_schema_is_named_so() -> None:
    assert dead(b"\0\0\0\0\x09abc").reason == "UNKNOWN_SCHEMA"


def test_bytes_after_the_record_are_refused() -> None:
    registry = Registry()
    assert "follow the record" in dead(framed(registry, json.loads(Label.SCHEMA), {}) + b"\0", registry).message


def test_a_record_cut_short_is_refused() -> None:
    registry = Registry()
    data = framed(registry, json.loads(Label.SCHEMA), {"label": "abc", "seq": 1})
    assert {dead(data[:end], registry).reason for end in range(5, len(data))} == {"NOT_AVRO"}


def test_another_record_type_is_refused_with_both_names() -> None:
    registry = Registry()
    error = dead(framed(registry, json.loads(ModelVersion.SCHEMA), ModelVersion(tenant="default", stream="").as_dict()), registry)
    assert error.reason == "WRONG_TYPE"
    assert "edgeloop.label.Label" in error.message
    assert "edgeloop.model.ModelVersion" in error.message


def test_a_record_larger_than_its_topic_allows_is_refused() -> None:
    assert dead(b"\0" * (topics.LABELS_RAW.max_bytes + 1)).reason == "TOO_LARGE"


def test_a_kind_that_a_newer_program_added_is_told_from_rubbish() -> None:
    registry = Registry()
    schema = {"type": "record", "name": "Retired", "namespace": "edgeloop.model", "fields": []}
    with pytest.raises(UnknownKindError):
        Codec(registry).decode(topics.MODEL_EVENTS, framed(registry, schema, {}))


RECURSIVE = {
    "type": "record",
    "name": "edgeloop.label.Label",
    "fields": [{"name": "next", "type": ["null", "edgeloop.label.Label"], "default": None}],
}
HOLLOW = {
    "type": "record",
    "name": "edgeloop.label.Label",
    "fields": [{"name": "x", "type": {"type": "array", "items": "null"}, "default": []}],
}


@pytest.mark.parametrize("schema", [RECURSIVE, HOLLOW])
def test_a_writer_schema_that_could_exhaust_stack_or_memory_is_refused(schema: dict) -> None:
    registry = Registry()
    assert dead(b"\0" + registry.add(json.dumps(schema)).to_bytes(4, "big") + b"\x02\x00", registry).reason == "UNSAFE_SCHEMA"


@pytest.mark.parametrize("kind", EVENTS)
def test_our_own_schemas_are_safe_and_read_as_they_are_with_docs_or_without(kind) -> None:
    assert bound(WrittenSchema(TEXTS[kind.FULLNAME]), "it").reader is None
    assert bound(WrittenSchema(kind.SCHEMA), "it").reader is None


@given(st.binary(max_size=200))
def test_any_bytes_end_in_an_event_or_a_typed_refusal(data: bytes) -> None:
    registry = Registry()
    head = b"\0" + registry.add(Label.SCHEMA).to_bytes(4, "big")
    for candidate in (data, head + data):
        try:
            Codec(registry).decode(topics.LABELS_RAW, candidate)
        except UndecodableError as error:
            assert error.reason in {"NOT_AVRO", "UNKNOWN_SCHEMA"}
