"""Rows taken in many at once, against the task of single ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from edgeloop_admission import Rules
from edgeloop_contracts import (
    Cause,
    Event,
    Feature,
    ObservationBatch,
    ObservationRow,
    SeenContents,
    SeenEpochs,
    SeenRows,
    SeenSamples,
    StreamDefinition,
)
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import OUTCOMES, Metrics
from edgeloop_kafka import Columns, Received, body
from edgeloop_kafka.columns import read_columns
from edgeloop_kafka.record_layout import NotUniformError, layout_of
from edgeloop_streaming import InvalidEventError, Send, State
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from support.speakers import EVERYBODY

BY = IngestionTask.bulk.by


def columns(rows: Sequence[ObservationRow]) -> list[Columns[ObservationRow]]:
    """Rows as the codec reads them."""
    schema = json.loads(ObservationRow.SCHEMA)
    layout = layout_of(schema, schema)
    assert layout is not None
    return read_columns(ObservationRow, layout, [body(one) for one in rows], BY)


DEFINITION = StreamDefinition(
    tenant="default",
    stream="pumps",
    version=1,
    features=(Feature(name="x", nullable=False, minimum=-1e6), Feature(name="y"), Feature(name="z", local_only=True)),
)


class Stage:
    """A task with its own state, and records that are given to it at once or one by one."""

    def __init__(self) -> None:
        self.state = State()
        self.registry = CollectorRegistry()
        rules = {"default/pumps": Rules.of(DEFINITION)}
        self.task = IngestionTask(0, 1, self.state, rules.get, Metrics(self.registry), EVERYBODY)

    def cause(self, place: int) -> Cause:
        return Cause(id=f"id{place}", correlation=f"c{place}", at=f"observations.rows.raw/0/{place}")

    def singly(self, rows: Sequence[ObservationRow]) -> list[Send]:
        sends: list[Send] = []
        for place, row in enumerate(rows):
            cause = self.cause(place)
            received = Received(row, "observations.rows.raw", 0, place, 0, "", cause.id, cause.correlation)
            with suppress(InvalidEventError):
                sends += [send for send in self.task.handle(received) if isinstance(send, Send)]
        return [*sends, *self.task.flush()]

    def at_once(self, rows: Sequence[ObservationRow]) -> list[Send] | None:
        try:
            read = columns(rows)
        except NotUniformError:
            return None
        sends = self.task.handle_all(read, [b""] * len(rows), self.cause)
        return None if sends is None else [*sends, *self.task.flush()]

    def as_the_loop(self, rows: Sequence[ObservationRow]) -> list[Send]:
        """At once if the task can, else one by one."""
        sends = self.at_once(rows)
        return self.singly(rows) if sends is None else sends

    def seen(self) -> list[tuple[str, Event]]:
        return [one for kind in (SeenRows, SeenContents, SeenSamples, SeenEpochs) for one in self.state.items(kind)]

    def counted(self) -> dict[str, float]:
        names = OUTCOMES
        return {name: self.registry.get_sample_value("edgeloop_ingestion_rows_total", {"outcome": name}) or 0.0 for name in names}


def row(device: int, at: int, **fields: object) -> ObservationRow:
    base = ObservationRow(
        tenant="default", stream="pumps", device_id=f"d{device}", boot_epoch=1, seq=at, features=(at / 3, np.nan, 3.0), answer="up"
    )
    return ObservationRow.from_dict(base.as_dict() | fields)


SENT = st.lists(
    st.builds(
        row,
        st.integers(0, 2),
        st.integers(0, 40),
        event_time=st.sampled_from([0, 5]),
        request_id=st.sampled_from(["", "r"]),
        model_version=st.sampled_from([1, 1, 1, 2]),
    ),
    min_size=1,
    max_size=60,
)


@given(st.lists(SENT, min_size=1, max_size=3))
@example([[row(0, 0)], [row(0, 0), row(1, 0), row(0, 1)]])  # a device whose first row was seen before comes after the other
def test_rows_taken_in_at_once_have_the_outcome_of_rows_taken_in_one_by_one(transactions: list[list[ObservationRow]]) -> None:
    one, other = Stage(), Stage()
    for rows in transactions:
        assert repr(one.as_the_loop(rows)) == repr(other.singly(rows))
        assert one.seen() == other.seen()
        assert one.counted() == other.counted()


UNNUMBERED_OR_NOT = st.lists(
    st.builds(
        row,
        st.integers(0, 2),
        st.just(-1) | st.integers(-2, 30),
        boot_epoch=st.sampled_from([1, 1, 1, 2, 3]),
        features=st.sampled_from([(1.0, 2.0, 3.0), (1.0, np.nan, np.nan), (-1.0, 2.0, 3.0), (-2e6, 2.0, 3.0)]),
        request_id=st.sampled_from(["", "", "r0"]) | st.integers(1, 500).map("r{}".format),
        model_version=st.sampled_from([1, 1, 1, 2]),
    ),
    min_size=1,
    max_size=40,
)


@given(st.lists(UNNUMBERED_OR_NOT, min_size=1, max_size=4))
def test_rows_without_numbers_and_rows_that_contradict_have_one_outcome_as_well(transactions: list[list[ObservationRow]]) -> None:
    one, other = Stage(), Stage()
    for rows in transactions:
        assert repr(one.as_the_loop(rows)) == repr(other.singly(rows))
        assert one.seen() == other.seen()
        assert one.counted() == other.counted()


def test_rows_without_numbers_are_taken_in_at_once() -> None:
    rows = [row(i % 4, -1, features=(i / 3, np.nan, 3.0), request_id=f"r{i}" if i % 8 < 4 else "") for i in range(480)]
    one, other = Stage(), Stage()
    sends = one.at_once(rows)
    assert sends is not None
    assert repr(sends) == repr(other.singly(rows))
    batches = [send.event for send in sends if isinstance(send.event, ObservationBatch)]
    assert [(batch.device_id, batch.boot_epoch, batch.first_seq, batch.count) for batch in batches] == [
        (f"d{i}", -1, 0, 120) for i in range(4)
    ]


def test_a_long_run_of_rows_becomes_one_batch_a_device() -> None:
    rows = [row(i % 4, i // 4) for i in range(480)]
    sends = Stage().at_once(rows)
    assert sends is not None
    batches = [send.event for send in sends if isinstance(send.event, ObservationBatch)]
    assert [(batch.device_id, batch.first_seq, batch.count) for batch in batches] == [(f"d{i}", 0, 120) for i in range(4)]
    assert [send.cause.at for send in sends if send.cause] == [f"observations.rows.raw/0/{476 + i}" for i in range(4)]


@pytest.mark.parametrize(
    "bad",
    [
        {"features": (1.0, 2.0)},
        {"features": (np.nan, 2.0, 3.0)},
        {"features": (1e300, 2.0, 3.0)},
        {"stream": "unknown"},
        {"device_id": "a/b"},
        {"seq": -1},
        {"seq": -2},
        {"seq": 0},
        {"request_id": "r" * 600},
        {"boot_epoch": 2},
    ],
)
def test_a_row_that_needs_a_look_of_its_own_leaves_all_to_single_handling_and_nothing_changed(bad: dict[str, object]) -> None:
    stage = Stage()
    assert stage.at_once([row(0, 0), row(0, 1, **bad), row(0, 2)]) is None
    assert stage.seen() == []
    assert sum(stage.counted().values()) == 0
    assert list(stage.task.flush()) == []


def test_rows_of_another_partition_are_left_to_single_handling() -> None:
    rules = {"default/pumps": Rules.of(DEFINITION)}
    tasks = [IngestionTask(p, 2, State(), rules.get, Metrics(CollectorRegistry()), EVERYBODY) for p in range(2)]
    rows = columns([row(0, 0)])
    assert sorted(task.handle_all(rows, [b""], lambda _: Cause()) is None for task in tasks) == [False, True]
