"""Batch records: every field survives being cut, put together, and made of single rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from edgeloop_contracts import EVENTS, ExampleBatch, NamedRow, ObservationBatch, ObservationRow
from edgeloop_contracts.plausibility import ragged
from edgeloop_contracts.rows import PerRow, slices
from hypothesis import given
from hypothesis import strategies as st

BATCHES = [kind for kind in EVENTS if hasattr(kind, "ROW_FIELDS")]
ITEMS = {
    "string": st.text(max_size=3),
    "long": st.integers(-(2**62), 2**62),
    "int": st.integers(-(2**31), 2**31 - 1),
    "double": st.floats(allow_nan=False),
    "float": st.floats(width=32, allow_nan=False),
    "boolean": st.booleans(),
    "bytes": st.binary(max_size=4),
}


def value(avro: Any) -> st.SearchStrategy[Any]:
    """Any value of an Avro type."""
    match avro:
        case str():
            return ITEMS[avro]
        case ["null", other]:
            return st.none() | value(other)
        case {"type": "array", "items": items}:
            return st.lists(value(items), max_size=3).map(tuple)
        case {"type": "map", "values": values}:
            return st.dictionaries(st.text(max_size=3), value(values), max_size=2)
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols)
        case _:
            raise TypeError(f"no values of the type {avro!r}: tell this test how to make some")


@st.composite
def batches(draw: st.DrawFn, kind: Any) -> Any:
    """A batch in which every field has a value of its type."""
    rows = draw(st.integers(1, 7))
    made: dict[str, Any] = {}
    for field in json.loads(kind.SCHEMA)["fields"]:
        name, avro = field["name"], field["type"]
        match kind.ROW_FIELDS.get(name):
            case PerRow.COUNT:
                made[name] = rows
            case PerRow.FIRST:
                made[name] = draw(st.integers(-1, 2**40))
            case PerRow.PACKED:
                made[name] = draw(st.integers(1, 3).flatmap(lambda width: st.binary(min_size=width * rows, max_size=width * rows)))
            case PerRow.EACH:
                made[name] = tuple(draw(st.lists(value(avro["items"]), min_size=rows, max_size=rows)))
            case PerRow.OPTIONAL:
                some = st.lists(value(avro["items"]), min_size=rows, max_size=rows).filter(any)
                made[name] = tuple(draw(st.just([]) | some))
            case _:
                made[name] = draw(value(avro))
    return kind(**made)


def test_batch_records_are_found() -> None:
    assert {ObservationBatch, ExampleBatch} <= set(BATCHES)


@pytest.mark.parametrize("kind", BATCHES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_slices_put_together_are_the_batch(kind: Any, data: st.DataObject) -> None:
    batch = data.draw(batches(kind))
    size = data.draw(st.integers(1, batch.rows))
    parts = list(slices(batch, size))
    assert sum(part.rows for part in parts) == batch.rows
    assert kind.concat(parts) == batch


@pytest.mark.parametrize("kind", BATCHES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_slice_of_slices_is_a_slice_of_the_batch(kind: Any, data: st.DataObject) -> None:
    batch = data.draw(batches(kind))
    first = data.draw(st.integers(0, batch.rows - 1))
    end = data.draw(st.integers(first + 1, batch.rows))
    part = batch.slice(first, end)
    assert [part.slice(i, i + 1) for i in range(part.rows)] == [batch.slice(i, i + 1) for i in range(first, end)]


@pytest.mark.parametrize("kind", BATCHES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_change_of_any_shared_field_ends_a_run_of_rows(kind: Any, data: st.DataObject) -> None:
    batch = data.draw(batches(kind).filter(lambda made: made.rows > 1))
    head, tail = batch.slice(0, 1), batch.slice(1, batch.rows)
    for name in kind.SHARED:
        other = data.draw(value(avro_of(kind)[name]).filter(lambda x, name=name: x != getattr(batch, name)), label=name)
        with pytest.raises(ValueError, match="expected rows that continue"):
            kind.concat([head, replace(tail, **{name: other})])


def avro_of(kind: Any) -> Mapping[str, Any]:
    """Avro types of a record's fields."""
    return {field["name"]: field["type"] for field in json.loads(kind.SCHEMA)["fields"]}


def test_rows_with_a_gap_in_their_numbers_are_not_put_together() -> None:
    row = ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=3, count=1, features=bytes(4))
    assert ObservationBatch.concat([row, replace(row, first_seq=4)]).count == 2
    with pytest.raises(ValueError, match="batch 1: expected rows that continue batch 0"):
        ObservationBatch.concat([row, replace(row, first_seq=5)])


@given(
    st.builds(
        ObservationRow,
        tenant=st.just("default"),
        stream=st.just("s"),
        device_id=st.just("d"),
        seq=st.integers(-1, 2**40),
        features=st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=3).map(tuple),
        event_time=st.integers(0, 2**40),
        request_id=st.text(max_size=3),
        model_version=st.integers(0, 9),
        answer=st.text(max_size=3),
    )
)
def test_a_row_is_a_batch_of_one_with_all_its_values(row: ObservationRow) -> None:
    batch = ObservationBatch.from_row(row)
    assert ragged(batch) == "" and batch.rows == 1
    taken = {field.name for field in fields(ObservationRow)}
    for name in taken & set(ObservationBatch.SHARED):
        assert getattr(batch, name) == getattr(row, name)
    assert (batch.first_seq, batch.event_times or (0,), batch.request_ids or ("",)) == (row.seq, (row.event_time,), (row.request_id,))
    assert (batch.answers or ("",)) == (row.answer,)
    assert len(batch.features) == 4 * len(row.features)


def test_a_row_by_names_becomes_a_row_in_order_with_all_its_values() -> None:
    row = NamedRow(tenant="t", stream="s", device_id="d", boot_epoch=1, seq=2, event_time=3, request_id="r", model_version=4, answer="a")
    ordered = row.as_row(features=(1.0,))
    assert ordered == ObservationRow(
        tenant="t",
        stream="s",
        device_id="d",
        boot_epoch=1,
        seq=2,
        features=(1.0,),
        event_time=3,
        request_id="r",
        model_version=4,
        answer="a",
    )
