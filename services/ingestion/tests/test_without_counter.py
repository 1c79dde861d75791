"""Rows that come without sequence numbers: each goes in once, numbered by ingestion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from edgeloop_admission import Rules
from edgeloop_contracts import Feature, ObservationBatch, ObservationRow, SeenRows, StreamDefinition, topics
from edgeloop_ingestion.core.content_memory import ROWS
from edgeloop_ingestion.core.row_numbers import SLOTS, Numbering
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_kafka import partition_of
from edgeloop_streaming import Forward, Send, State
from edgeloop_streaming.testing import TaskDriver
from prometheus_client import CollectorRegistry
from support.speakers import EVERYBODY

DEFINITION = StreamDefinition(
    tenant="default", stream="boiler", version=1, features=(Feature(name="heat", maximum=1e6), Feature(name="pressure"))
)
KEY = "default/boiler/b1"


def row(heat: float, **fields: object) -> ObservationRow:
    base = ObservationRow(tenant="default", stream="boiler", device_id="b1", features=(heat, 2.0))
    return ObservationRow.from_dict(base.as_dict() | fields)


def batch(heat: list[float], **fields: object) -> ObservationBatch:
    values = np.array([[one, 2.0] for one in heat], "<f4")
    base = ObservationBatch(
        tenant="default", boot_epoch=0, first_seq=-1, stream="boiler", device_id="b1", count=len(heat), features=values.tobytes()
    )
    return ObservationBatch.from_dict(base.as_dict() | fields)


def maker(registry: CollectorRegistry, partitions: int = 1) -> Callable[[int, State], IngestionTask]:
    rules, metrics = {"default/boiler": Rules.of(DEFINITION)}, Metrics(registry)
    return lambda partition, state: IngestionTask(partition, partitions, state, rules.get, metrics, EVERYBODY)


@pytest.fixture
def driver() -> TaskDriver:
    return TaskDriver("ingestion", maker(CollectorRegistry()))


def batches(sent: list[Send | Forward]) -> list[ObservationBatch]:
    return [one.event for one in sent if isinstance(one, Send) and isinstance(one.event, ObservationBatch)]


def spans(sent: list[Send | Forward]) -> list[tuple[int, int, int]]:
    return [(one.boot_epoch, one.first_seq, one.count) for one in batches(sent)]


def test_ten_rows_named_by_their_request_ids_alone_are_ten_rows(driver: TaskDriver) -> None:
    sent = [one for i in range(10) for one in batches(driver.send(topics.OBSERVATION_ROWS_RAW, row(70.0 + i, request_id=f"r{i}")))]
    assert [(one.boot_epoch, one.first_seq, one.request_ids) for one in sent] == [(-1, i, (f"r{i}",)) for i in range(10)]
    assert driver.dead == []


def test_equal_rows_without_any_id_are_told_apart_by_their_place(driver: TaskDriver) -> None:
    records = [driver.receive(topics.OBSERVATION_ROWS_RAW, row(70.0)) for _ in range(5)]
    assert spans(driver.transaction(records)) == [(-1, 0, 5)]
    assert driver.repeat() == []
    driver.restart()
    assert driver.repeat() == []
    assert spans(driver.send(topics.OBSERVATION_ROWS_RAW, row(70.0))) == [(-1, 5, 1)]


def test_rows_of_a_batch_without_a_first_number_are_numbered_and_its_known_ones_left_out(driver: TaskDriver) -> None:
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch([1, 2, 3], request_ids=["a", "b", "c"]))) == [(-1, 0, 3)]
    driver.restart()
    sent = driver.send(topics.OBSERVATIONS_RAW, batch([0, 2, 5, 2e6, 7], request_ids=["z", "b", "y", "x", "w"]))
    assert spans(sent) == [(-1, 3, 1), (-1, 4, 1), (-1, 5, 1)]
    assert [one.request_ids for one in batches(sent)] == [("z",), ("y",), ("w",)]
    assert [dead.reason for dead in driver.dead] == ["INVALID_VALUE"]
    assert "row 3 (no sequence number), feature 'heat'" in driver.dead[0].message


def test_a_request_id_that_comes_with_other_contents_is_a_dead_letter(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATION_ROWS_RAW, row(1.0, request_id="a"))
    assert spans(driver.send(topics.OBSERVATION_ROWS_RAW, row(2.0, request_id="a"))) == []
    assert [dead.reason for dead in driver.dead] == ["ID_TAKEN"]
    assert "given id 'a' with other contents" in driver.dead[0].message
    assert driver.send(topics.OBSERVATION_ROWS_RAW, row(1.0, request_id="a")) == []
    assert len(driver.dead) == 1


def test_numbers_of_ingestion_and_of_the_device_do_not_meet(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATION_ROWS_RAW, row(1.0, request_id="a"))
    assert spans(driver.send(topics.OBSERVATION_ROWS_RAW, row(1.0, seq=0))) == [(0, 0, 1)]
    assert spans(driver.send(topics.OBSERVATION_ROWS_RAW, row(1.0, boot_epoch=7, request_id="b"))) == [(-1, 1, 1)]
    assert [(seen.boot_epoch, seen.starts, seen.ends) for _, seen in driver.state.items(SeenRows)] == [(-1, (0,), (2,)), (0, (0,), (1,))]


def test_a_row_that_is_sent_on_keeps_what_tells_it_apart() -> None:
    home = partition_of(KEY, 4)
    away = TaskDriver("ingestion", maker(CollectorRegistry(), 4), partition=(home + 1) % 4)
    [forward] = away.send(topics.OBSERVATION_ROWS_RAW, row(1.0))
    assert isinstance(forward, Forward)
    received = away._last[0]
    assert forward.headers["ce_id"].decode() == received.id
    at_home = IngestionTask(home, 4, State(), {"default/boiler": Rules.of(DEFINITION)}.get, Metrics(CollectorRegistry()), EVERYBODY)
    copies = [received.__class__(row(1.0), "observations.rows.raw", home, offset, 0, KEY, received.id, "") for offset in (3, 9)]
    for copy in copies:
        at_home.handle(copy)
    [sent] = at_home.flush()
    assert isinstance(sent.event, ObservationBatch)
    assert (sent.event.first_seq, sent.event.count) == (0, 1)


def test_as_many_ids_are_remembered_as_is_said() -> None:
    numbering, size = Numbering(), SLOTS * ROWS
    one = np.ones(1, np.uint32)
    for i in range(1, 2 * size):
        assert numbering.add(np.array([i], np.uint64), one) == i - 1
    newest = 2 * size - 1
    assert [numbering.number_of(np.uint64(i)) for i in (newest, newest - size + 1, newest - size)] == [newest - 1, newest - size, None]
