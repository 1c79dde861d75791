"""Records decoded at once, against the decoder of single ones."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from typing import Any

import fastavro
import numpy as np
import pytest
from edgeloop_contracts import ObservationBatch, ObservationRow, topics
from edgeloop_kafka import Codec, body, from_body
from edgeloop_kafka.columns import Columns, read_columns
from edgeloop_kafka.record_layout import NotUniformError, layout_of
from edgeloop_kafka.schema_lookup import UnknownSchemaError, WrittenSchema
from edgeloop_kafka.writer_schemas import parsed
from hypothesis import example, given
from hypothesis import strategies as st

BY = ("tenant", "stream", "device_id", "boot_epoch")
OWN = json.loads(ObservationRow.SCHEMA)
LONGS = st.integers(-(2**62), 2**62 - 1)
TEXTS = st.sampled_from(["", "a", "up", "down", "größe", "x" * 200])
ROWS = st.builds(
    ObservationRow,
    tenant=st.sampled_from(["default", "acme"]),
    stream=st.sampled_from(["pumps", "p", "größe"]),
    device_id=st.sampled_from(["d1", "d2", "device-" + "9" * 130]),
    boot_epoch=st.sampled_from([0, 1, 63, 64, 9000]),
    seq=st.one_of(st.integers(0, 20_000), LONGS),
    features=st.lists(st.floats(), min_size=2, max_size=2).map(tuple),
    event_time=st.one_of(st.just(0), st.integers(1_700_000_000_000, 1_800_000_000_000), LONGS),
    request_id=TEXTS,
    model_version=st.integers(0, 300),
    answer=TEXTS,
)


def read_rows(bodies: Sequence[bytes]) -> list[Columns[ObservationRow]]:
    """Columns of records in the schema of this code."""
    layout = layout_of(OWN, OWN)
    assert layout is not None
    return read_columns(ObservationRow, layout, bodies, BY)


def rows_of(bodies: Sequence[bytes]) -> list[ObservationRow]:
    """What the columns hold, row by row, in the order of the records."""
    return in_order(read_rows(bodies), len(bodies))


def in_order(groups: Sequence[Columns[Any]], count: int) -> list[Any]:
    """Events of all groups, in the order of their records."""
    found = {place: columns.event(i) for columns in groups for i, place in enumerate(columns.places.tolist())}
    assert sorted(found) == list(range(count))
    return [found[place] for place in range(count)]


@given(st.lists(ROWS, min_size=1, max_size=12))
def test_columns_hold_what_single_records_hold(rows: list[ObservationRow]) -> None:
    bodies = [body(row) for row in rows]
    assert repr(rows_of(bodies)) == repr([from_body(ObservationRow, data) for data in bodies])


def test_a_stream_of_rows_is_read_whatever_the_lengths_of_its_numbers() -> None:
    rows = [
        ObservationRow(tenant="default", stream="", device_id=f"d{i % 3}", seq=i, features=(float(i), 2.0), request_id=f"r{i}", answer="up")
        for i in range(300)
    ]
    assert rows_of([body(row) for row in rows]) == rows


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A record with a byte or two changed, cut off, or put in."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.choice([0, 1, 2, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            case 1:
                del changed[at:]
            case 2:
                changed += chance.randbytes(chance.randint(1, 3))
            case _:
                changed[at:at] = chance.choice([b"\0", b"\xff", b"\x80\x80", b"\xff" * 10])
        changed = changed or bytearray(b"\0")
    return bytes(changed)


@example(0)
@given(st.integers(0, 2**32))
def test_damaged_bytes_are_read_as_the_single_decoder_reads_them_or_left_to_it(seed: int) -> None:
    chance = random.Random(seed)
    plain = [
        ObservationRow(
            tenant="default",
            stream="",
            device_id=f"d{i % 2}",
            boot_epoch=3,
            seq=60 + i,
            features=(1.5, -2.5),
            event_time=10**12,
            answer="up",
        )
        for i in range(8)
    ]
    bodies = [body(row) for row in plain]
    for _ in range(5):
        tried = list(bodies)
        at = chance.randrange(len(tried))
        tried[at] = damaged(tried[at], chance)
        try:
            found = rows_of(tried)
        except NotUniformError:
            continue
        assert repr(found) == repr([from_body(ObservationRow, data) for data in tried])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        body(ObservationRow(tenant="default", stream="", device_id="", features=())),
        body(ObservationRow(tenant="default", stream="", device_id="", features=(1.0,))) + b"\0",
        body(ObservationRow(tenant="default", stream="", device_id="", features=(1.0,)))[:-1],
        body(
            ObservationRow(stream="", device_id="", tenant="\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"), features=(1.0,))
        ).replace(b"\xc3", b"\xff"),
    ],
)
def test_what_is_not_uniform_is_left_to_the_single_decoder(data: bytes) -> None:
    with pytest.raises(NotUniformError):
        read_rows([body(ObservationRow(tenant="default", stream="", device_id="", features=(1.0,))), data])


class Record(dict[str, Any]):
    """Fields as they are decoded."""

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Record:
        return cls(fields)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "a", "größe", "x" * 70]),
    "bytes": st.binary(max_size=3),
    "long": st.integers(-(2**62), 2**62 - 1) | st.integers(0, 100),
    "int": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False),
    "float": st.floats(width=32, allow_nan=False),
}
DEFAULTS: dict[str, Any] = {"string": "", "bytes": "", "long": 0, "int": -1, "boolean": False, "double": 0.5, "float": 0.5}


@st.composite
def schemas(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A writer's schema and a reader's: fields of the one that the other lacks, in other orders, nullable or not."""
    names = [f"f{i}" for i in range(draw(st.integers(0, 5)))]
    types = {name: draw(st.sampled_from(list(VALUES))) for name in names}

    def schema() -> dict[str, Any]:
        fields: list[dict[str, Any]] = [{"name": "device", "type": "string"}]
        for name in draw(st.permutations(names)):
            if draw(st.integers(0, 3)):
                avro = types[name]
                union = draw(st.sampled_from([None, None, [avro, "null"], ["null", avro]]))
                default = DEFAULTS[avro] if union is None or union[0] == avro else None
                fields.insert(draw(st.integers(0, len(fields))), {"name": name, "type": union or avro, "default": default})
        return {"type": "record", "name": "Any", "fields": fields}

    return schema(), schema()


@given(schemas(), st.data())
def test_records_of_any_flat_schema_are_read_at_once_as_one_by_one(
    both: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    writer, reader = both[0], parsed(both[1])
    strategies = {f["name"]: values_of(f) for f in writer["fields"]}
    records = data.draw(st.lists(st.fixed_dictionaries(strategies), min_size=1, max_size=8))
    bodies = [written(writer, record) for record in records]
    layout = layout_of(writer, reader)
    assert layout is not None
    try:
        single = [fastavro.schemaless_reader(io.BytesIO(one), writer, reader) for one in bodies]
    except Exception:  # a null where the reader takes none
        with pytest.raises(NotUniformError):
            read_columns(Record, layout, bodies, ("device",))
        return
    groups = read_columns(Record, layout, bodies, ("device",))
    assert [dict(one) for one in in_order(groups, len(bodies))] == single
    assert len({group.one("device", 0) for group in groups}) == len(groups)


def values_of(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a field."""
    if field["name"] == "device":
        return st.sampled_from(["d1", "d2", "device-3"])
    avro = field["type"]
    return VALUES[avro] if isinstance(avro, str) else st.none() | VALUES[next(one for one in avro if one != "null")]


def written(schema: dict[str, Any], fields: dict[str, Any]) -> bytes:
    """A body in another's schema."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(schema)), fields)
    return out.getvalue()


@pytest.mark.parametrize(
    "avro",
    [
        {"type": "map", "values": "string"},
        {"type": "array", "items": "string"},
        {"type": "record", "name": "Inner", "fields": []},
        ["null", "string", "long"],
    ],
)
def test_a_writer_with_a_field_of_a_nested_type_is_left_to_the_single_decoder(avro: Any) -> None:
    more = {**OWN, "fields": [*OWN["fields"], {"name": "more", "type": avro}]}
    assert layout_of(more, OWN) is None


def test_a_field_of_another_type_than_ours_is_left_to_the_single_decoder() -> None:
    other = {**OWN, "fields": [{**f, "type": "double"} if f["name"] == "event_time" else f for f in OWN["fields"]]}
    assert layout_of(other, OWN) is None


def test_runs_end_where_numbers_have_a_gap_or_a_shared_field_changes() -> None:
    rows = [
        ObservationRow(tenant="default", stream="", device_id="d", seq=seq, features=(1.0,), model_version=v)
        for seq, v in ((1, 1), (2, 1), (3, 2), (5, 2), (6, 2))
    ]
    [columns] = read_rows([body(row) for row in rows])
    assert list(columns.runs("seq", ("device_id", "model_version"))) == [(0, 2), (2, 3), (3, 5)]
    again = columns.with_values(seq=np.arange(5), model_version=7)
    assert list(again.runs("seq", ("model_version",))) == [(0, 5)]
    assert again.event(4) == ObservationRow(tenant="default", stream="", device_id="d", seq=4, features=(1.0,), model_version=7)


class Registry:
    """Schemas by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def lookup(self, subject: str, schema: str) -> int:
        return self.add(schema)

    def add(self, schema: str) -> int:
        if schema not in self.texts:
            self.texts.append(schema)
        return self.texts.index(schema) + 1

    def schema(self, wanted: Any) -> WrittenSchema:
        if wanted.value > len(self.texts):
            raise UnknownSchemaError(str(wanted))
        return WrittenSchema(self.texts[wanted.value - 1])


def framed(registry: Registry, schema: dict[str, Any], fields: dict[str, Any]) -> bytes:
    """A record in another's schema."""
    return b"\0" + registry.add(json.dumps(schema)).to_bytes(4, "big") + written(schema, fields)


ROW = ObservationRow(tenant="t", stream="s", device_id="d", boot_epoch=1, seq=5, features=(1.0, 2.0), event_time=7, answer="up")


@pytest.mark.parametrize("change", ["own", "older", "newer", "nullable", "another order"])
def test_records_of_other_releases_and_producers_are_decoded_at_once(change: str) -> None:
    registry = Registry()
    fields = list(OWN["fields"])
    match change:
        case "older":
            fields = [f for f in fields if f["name"] != "model_version"]
        case "newer":
            fields.append({"name": "firmware", "type": "string", "default": ""})
        case "nullable":
            fields = [f if f["name"] == "features" else {**f, "type": ["null", f["type"]], "default": None} for f in fields]
        case "another order":
            fields = fields[::-1]
    values = [framed(registry, {**OWN, "fields": fields}, {**ROW.as_dict(), "seq": seq, "firmware": "v9"}) for seq in range(3)]
    codec = Codec(registry)
    found = codec.columns(topics.OBSERVATION_ROWS_RAW, ObservationRow, values, BY)
    assert found is not None
    assert in_order(found, 3) == [codec.decode(topics.OBSERVATION_ROWS_RAW, value) for value in values]


def test_records_of_another_kind_without_identity_of_several_writers_or_too_large_are_decoded_one_by_one() -> None:
    registry = Registry()
    codec = Codec(registry)
    own = codec.encode(topics.OBSERVATION_ROWS_RAW, ROW)
    nameless = {**OWN, "fields": [f for f in OWN["fields"] if f["name"] != "device_id"]}
    newer = {**OWN, "fields": [*OWN["fields"], {"name": "more", "type": "string", "default": ""}]}
    others = [
        framed(registry, nameless, ROW.as_dict()),
        framed(registry, newer, ROW.as_dict() | {"more": ""}),
        framed(
            registry,
            json.loads(ObservationBatch.SCHEMA),
            ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1, count=1).as_dict(),
        ),
        own[:5] + bytes(topics.OBSERVATION_ROWS_RAW.max_bytes),
        b"\0\0\0\1\0",
        b"",
    ]
    mixed = [[own, other] for other in others]
    alone = [[other] for other in others if other != others[1]]
    for values in (*mixed, *alone):
        assert codec.columns(topics.OBSERVATION_ROWS_RAW, ObservationRow, values, BY) is None
