"""Rows by name have the outcome of the same rows by position."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
from edgeloop_admission import Rules
from edgeloop_contracts import Feature, NamedRow, ObservationBatch, ObservationRow, StreamDefinition, topics
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_kafka.schema_lookup import WrittenSchema
from edgeloop_kafka.writer_schemas import bound
from edgeloop_streaming import Send
from edgeloop_streaming.testing import TaskDriver
from prometheus_client import CollectorRegistry
from support.speakers import EVERYBODY

DEFINITION = StreamDefinition(
    tenant="default",
    stream="pumps",
    version=1,
    features=(Feature(name="x", nullable=False, maximum=9.0), Feature(name="y"), Feature(name="kind", categories=("old", "new"))),
)


def driver() -> TaskDriver:
    rules, metrics = {"default/pumps": Rules.of(DEFINITION)}, Metrics(CollectorRegistry())
    return TaskDriver("ingestion", lambda partition, state: IngestionTask(partition, 1, state, rules.get, metrics, EVERYBODY))


def test_a_row_by_name_is_the_row_by_position() -> None:
    by_name, by_place = driver(), driver()
    named = NamedRow(
        tenant="default", stream="pumps", device_id="p1", seq=3, features={"y": 2.0, "x": 1.0}, texts={"kind": "new"}, request_id="r"
    )
    placed = ObservationRow(tenant="default", stream="pumps", device_id="p1", seq=3, features=(1.0, 2.0, 1.0), request_id="r")
    sent = [one.event for one in by_name.send(topics.OBSERVATION_NAMED_RAW, named) if isinstance(one, Send)]
    assert sent == [one.event for one in by_place.send(topics.OBSERVATION_ROWS_RAW, placed) if isinstance(one, Send)]
    assert len(sent) == 1
    assert by_name.send(topics.OBSERVATION_ROWS_RAW, placed) == []
    assert by_name.dead == []


def test_rows_by_name_without_a_counter_are_numbered() -> None:
    one = driver()
    rows = [NamedRow(tenant="default", stream="pumps", device_id="p1", features={"x": float(i)}, request_id=f"r{i}") for i in range(3)]
    [sent] = one.transaction([one.receive(topics.OBSERVATION_NAMED_RAW, row) for row in rows])
    assert isinstance(sent, Send)
    assert isinstance(sent.event, ObservationBatch)
    assert (sent.event.boot_epoch, sent.event.first_seq, sent.event.count) == (-1, 0, 3)


def test_names_that_do_not_fit_are_dead_letters_with_their_reason() -> None:
    one = driver()
    for fields in ({"features": {"x": 1.0, "z": 1.0}}, {"features": {"y": 1.0}}, {"features": {"x": 99.0}}):
        assert (
            one.send(
                topics.OBSERVATION_NAMED_RAW,
                NamedRow.from_dict(NamedRow(tenant="default", stream="pumps", device_id="p1").as_dict() | fields),
            )
            == []
        )
    assert [dead.reason for dead in one.dead] == ["UNKNOWN_FEATURE", "INVALID_VALUE", "INVALID_VALUE"]
    assert "feature 'x': expected a finite value in [-∞, 9], given nan" in one.dead[1].message


def test_nulls_among_named_values_are_as_if_left_out() -> None:
    one, out = driver(), BytesIO()
    schema: dict[str, Any] = json.loads(NamedRow.SCHEMA)
    for field in schema["fields"]:
        if isinstance(field["type"], dict):
            field["type"]["values"] = ["null", field["type"]["values"]]
        field["type"] = ["null", field["type"]]
        field["default"] = None
    given = NamedRow(tenant="default", stream="pumps", device_id="p1", request_id="r").as_dict() | {
        "features": {"x": 1.0, "y": None},
        "texts": None,
        "seq": None,
    }
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), given)
    read = bound(WrittenSchema(json.dumps(schema)), "1").read(out.getvalue())
    assert read == NamedRow(tenant="default", stream="pumps", device_id="p1", request_id="r", features={"x": 1.0})
    [sent] = one.send(topics.OBSERVATION_NAMED_RAW, read)
    assert isinstance(sent, Send)
    assert isinstance(sent.event, ObservationBatch)
    assert np.isnan(np.frombuffer(sent.event.features, "<f4")).tolist() == [False, True, True]
