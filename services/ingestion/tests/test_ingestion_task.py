from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from edgeloop_admission import Rules
from edgeloop_contracts import Event, Feature, Label, ObservationBatch, ObservationRow, SeenRows, StreamDefinition, StreamTask, topics
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_kafka import partition_of
from edgeloop_streaming import Forward, Send, State
from edgeloop_streaming.testing import TaskDriver
from prometheus_client import CollectorRegistry
from support.speakers import EVERYBODY

DEFINITION = StreamDefinition(
    tenant="acme",
    stream="pumps",
    version=1,
    features=(
        Feature(name="pressure", nullable=False, minimum=0.0, maximum=10.0),
        Feature(name="flow"),
        Feature(name="owner", local_only=True, nullable=False),
    ),
)
KEY = "acme/pumps/p1"


def batch(first: int, values: list[float], **fields: object) -> ObservationBatch:
    rows = np.array([[v, 2.0, np.nan] for v in values], dtype="<f4")
    base = ObservationBatch(
        tenant="acme", stream="pumps", device_id="p1", boot_epoch=1, first_seq=first, count=len(values), features=rows.tobytes()
    )
    return ObservationBatch.from_dict(base.as_dict() | fields)


def row(seq: int, value: float = 1.0, **fields: object) -> ObservationRow:
    base = ObservationRow(tenant="acme", stream="pumps", device_id="p1", boot_epoch=1, seq=seq, features=(value, 2.0, 3.0))
    return ObservationRow.from_dict(base.as_dict() | fields)


def label(**fields: object) -> Label:
    base = Label(tenant="acme", stream="pumps", device_id="p1", boot_epoch=1, seq=0, label="ok")
    return Label.from_dict(base.as_dict() | fields)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def driver(registry: CollectorRegistry) -> TaskDriver:
    return TaskDriver("ingestion", maker(registry))


def maker(registry: CollectorRegistry, partitions: int = 1) -> Callable[[int, State], IngestionTask]:
    metrics = Metrics(registry)
    rules = {"acme/pumps": Rules.of(DEFINITION)}
    return lambda partition, state: IngestionTask(partition, partitions, state, rules.get, metrics, EVERYBODY)


def events(sent: list[Send | Forward]) -> list[Event | None]:
    return [effect.event for effect in sent if isinstance(effect, Send)]


def spans(sent: list[Send | Forward]) -> list[tuple[int, int]]:
    return [(e.first_seq, e.count) for e in events(sent) if isinstance(e, ObservationBatch)]


def test_a_new_batch_goes_through_as_it_is(driver: TaskDriver) -> None:
    given = batch(
        0, [1, 2, 3], request_ids=["a", "b", "c"], answers=["x", "y", "z"], event_times=[7, 8, 9], adapter=150, answers_alone=["", "x", ""]
    )
    sent = driver.send(topics.OBSERVATIONS_RAW, given, key="whatever")
    assert [(s.topic.name, s.key, s.event) for s in sent if isinstance(s, Send)] == [("observations", KEY, given)]


@pytest.mark.parametrize(
    ("topic", "event"),
    [(topics.OBSERVATIONS_RAW, batch(0, [1, 2])), (topics.OBSERVATION_ROWS_RAW, row(0))],
)
def test_rows_that_are_applied_twice_go_in_once(driver: TaskDriver, registry: CollectorRegistry, topic: object, event: Event) -> None:
    assert isinstance(topic, type(topics.LABELS))
    driver.send(topic, event)
    assert driver.repeat() == []
    driver.restart()
    assert driver.repeat() == []
    assert driver.dead == []
    count = getattr(event, "count", 1)
    assert registry.get_sample_value("edgeloop_ingestion_rows_total", {"outcome": "duplicate"}) == 2 * count


def test_a_duplicate_within_one_transaction_goes_in_once(driver: TaskDriver) -> None:
    records = [driver.receive(topics.OBSERVATIONS_RAW, batch(0, [1, 2])) for _ in range(2)]
    assert spans(driver.transaction(records)) == [(0, 2)]


def test_a_label_that_is_applied_twice_is_passed_on_twice_for_the_join_to_drop(driver: TaskDriver) -> None:
    first = driver.send(topics.LABELS_RAW, label())
    assert driver.repeat() == first
    assert [s.topic.name for s in first if isinstance(s, Send)] == ["labels"]


def test_labels_that_are_numbers_go_on_in_one_text_and_others_are_refused(registry: CollectorRegistry) -> None:
    rules = Rules.of(replace(DEFINITION, task=StreamTask.REGRESSION, tolerance=0.5))
    metrics = Metrics(registry)
    driver = TaskDriver("ingestion", lambda partition, state: IngestionTask(partition, 1, state, lambda _: rules, metrics, EVERYBODY))
    for text in ("3", " 3.00", "+3e0"):
        (sent,) = events(driver.send(topics.LABELS_RAW, label(label=text)))
        assert sent == label(label="3.0")
    for text in ("warm", "nan", "-inf", "1e39"):
        assert driver.send(topics.LABELS_RAW, label(label=text)) == []
    assert [dead.reason for dead in driver.dead] == ["INVALID_LABEL"] * 4
    assert "expected a finite number, given 'warm'" in driver.dead[0].message


def test_an_overlapping_batch_is_cut_to_what_is_new_with_all_that_belongs_to_its_rows(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(2, [1, 1]))
    sent = driver.send(topics.OBSERVATIONS_RAW, batch(0, [0, 1, 2, 3, 4, 5], answers=list("abcdef"), request_ids=list("uvwxyz")))
    assert spans(sent) == [(0, 2), (4, 2)]
    last = events(sent)[1]
    assert isinstance(last, ObservationBatch)
    assert (last.answers, last.request_ids, last.event_times) == (("e", "f"), ("y", "z"), ())
    assert np.frombuffer(last.features, "<f4").reshape(2, 3)[:, 0].tolist() == [4, 5]


def test_good_rows_go_on_when_others_are_bad_and_the_record_is_dead_lettered_with_a_reason(driver: TaskDriver) -> None:
    sent = driver.send(topics.OBSERVATIONS_RAW, batch(10, [1, 99, 2, float("nan"), float("inf"), 3]))
    assert spans(sent) == [(10, 1), (12, 1), (15, 1)]
    [dead] = driver.dead
    assert dead.reason == "INVALID_VALUE"
    assert dead.message == (
        "row 1 (sequence number 11), feature 'pressure': expected a finite value in [0, 10], given 99; 3 of 6 rows refused"
    )


def test_bad_rows_do_not_count_as_seen(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1, 99]))
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(0, [1, 2]))) == [(1, 1)]


def test_a_feature_that_must_stay_on_the_device_is_masked(driver: TaskDriver, registry: CollectorRegistry) -> None:
    [event] = events(driver.send(topics.OBSERVATION_ROWS_RAW, row(0)))
    assert isinstance(event, ObservationBatch)
    assert np.isnan(np.frombuffer(event.features, "<f4")).tolist() == [False, False, True]
    assert registry.get_sample_value("edgeloop_ingestion_rows_total", {"outcome": "masked"}) == 1


@pytest.mark.parametrize(
    ("topic", "event", "reason"),
    [
        (topics.OBSERVATIONS_RAW, batch(0, [1], stream="other"), "UNKNOWN_STREAM"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], tenant=""), "INVALID_NAME"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], device_id="a/b"), "INVALID_NAME"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], device_id="a\n"), "INVALID_NAME"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], boot_epoch=-1), "INVALID_NAME"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], count=2), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], count=0, features=b""), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(-2, [1]), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(2**63 - 1, [1]), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], answers=["a", "b"]), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], adapter=-1), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], answers=["a"], answers_alone=["a", "b"]), "INVALID_SHAPE"),
        (topics.OBSERVATIONS_RAW, batch(0, [1], request_ids=["x" * 513]), "TOO_LARGE"),
        (topics.OBSERVATION_ROWS_RAW, row(0, features=[1.0]), "INVALID_SHAPE"),
        (topics.OBSERVATION_ROWS_RAW, row(0, 1e300), "INVALID_VALUE"),
        (topics.OBSERVATION_ROWS_RAW, row(-2), "INVALID_SHAPE"),
        (topics.LABELS_RAW, label(label=""), "INVALID_LABEL"),
        (topics.LABELS_RAW, label(seq=-1), "INVALID_LABEL"),
        (topics.LABELS_RAW, label(stream="other"), "UNKNOWN_STREAM"),
    ],
)
def test_bad_input_is_dead_lettered_and_leaves_no_trace(driver: TaskDriver, topic: object, event: Event, reason: str) -> None:
    assert isinstance(topic, type(topics.LABELS))
    assert driver.send(topic, event) == []
    assert [dead.reason for dead in driver.dead] == [reason]
    assert list(driver.state.items(SeenRows)) == []


def test_a_misplaced_record_is_sent_on_to_its_own_partition_and_nothing_else_happens(registry: CollectorRegistry) -> None:
    home = partition_of(KEY, 4)
    driver = TaskDriver("ingestion", maker(registry, partitions=4), partition=(home + 1) % 4)
    given: list[tuple[object, Event]] = [
        (topics.OBSERVATIONS_RAW, batch(0, [99])),
        (topics.OBSERVATION_ROWS_RAW, row(0)),
        (topics.LABELS_RAW, label()),
    ]
    for topic, event in given:
        assert isinstance(topic, type(topics.LABELS))
        for sent in (driver.send(topic, event, key="wrong"), driver.repeat()):
            [effect] = sent
            assert isinstance(effect, Forward)
            assert (effect.topic, effect.key, effect.partition) == (topic, KEY, home)
    assert driver.dead == []
    assert list(driver.state.items(SeenRows)) == []


def test_consecutive_single_rows_become_one_batch_caused_by_its_last_row(driver: TaskDriver) -> None:
    records = [
        driver.receive(topics.OBSERVATION_ROWS_RAW, row(seq, float(seq % 9), request_id=f"r{seq}" if seq else "")) for seq in (0, 1, 2, 5)
    ]
    sent = driver.transaction(records)
    assert spans(sent) == [(0, 3), (5, 1)]
    first = sent[0]
    assert isinstance(first, Send)
    assert first.cause == records[2].cause
    assert isinstance(first.event, ObservationBatch)
    assert first.event.request_ids == ("", "r1", "r2")


def test_a_batch_does_not_overtake_the_single_rows_of_its_device(driver: TaskDriver) -> None:
    records = [
        driver.receive(topics.OBSERVATION_ROWS_RAW, row(0)),
        driver.receive(topics.OBSERVATIONS_RAW, batch(1, [1, 2])),
        driver.receive(topics.OBSERVATION_ROWS_RAW, row(3)),
    ]
    assert spans(driver.transaction(records)) == [(0, 1), (1, 2), (3, 1)]


def test_rows_of_another_model_version_start_another_batch(driver: TaskDriver) -> None:
    records = [driver.receive(topics.OBSERVATION_ROWS_RAW, row(seq, model_version=seq // 2)) for seq in range(4)]
    assert spans(driver.transaction(records)) == [(0, 2), (2, 2)]


def test_a_restart_between_two_batches_changes_nothing(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1, 1]))
    driver.restart()
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(1, [1, 1]))) == [(2, 1)]
    seen = driver.state.get(SeenRows, f"{KEY}/1")
    assert seen
    assert (seen.boot_epoch, seen.starts, seen.ends, seen.used, len(seen.digests)) == (1, (0,), (3,), 2, 3 * 4)


def test_a_new_epoch_numbers_its_rows_anew(driver: TaskDriver) -> None:
    for epoch in range(1, 6):
        assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(0, [1], boot_epoch=epoch))) == [(0, 1)]
    driver.restart()
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(1, [1], boot_epoch=1))) == [(1, 1)]
    assert driver.dead == []


def test_a_batch_too_large_for_one_record_goes_on_in_pieces(driver: TaskDriver) -> None:
    count = 60_000
    sent = driver.send(topics.OBSERVATIONS_RAW, batch(0, [1.0] * count))
    sizes = [len(e.features) for e in events(sent) if isinstance(e, ObservationBatch)]
    assert len(sizes) > 1
    assert max(sizes) <= 512 * 1024
    assert sum(n for _, n in spans(sent)) == count
