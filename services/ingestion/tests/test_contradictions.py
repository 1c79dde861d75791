"""Known numbers with other contents, and epochs that cannot be: refused and told, and nothing of the device in use is lost."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import numpy as np
import pytest
from edgeloop_admission import InadmissibleError, Rules
from edgeloop_contracts import DeviceDoubted, Feature, ObservationBatch, ObservationRow, SeenContents, SeenRows, StreamDefinition, topics
from edgeloop_ingestion.core.content_memory import MAX_SAMPLES, ROWS, SLOTS, Contents
from edgeloop_ingestion.core.digests import row_digests
from edgeloop_ingestion.core.epochs import MAX_BEGINNINGS, MAX_EPOCHS, MAX_FORGOTTEN, WITHIN_MS, Epoch, Epochs
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_streaming import Forward, Send, State
from edgeloop_streaming.testing import TaskDriver
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from support.speakers import EVERYBODY

DEFINITION = StreamDefinition(tenant="default", stream="pumps", version=1, features=(Feature(name="x"), Feature(name="y")))
KEY = "default/pumps/p1"


def batch(first: int, values: list[float], epoch: int = 1, **fields: object) -> ObservationBatch:
    rows = np.array([[value, 2.0] for value in values], "<f4")
    base = ObservationBatch(
        tenant="default",
        stream="pumps",
        device_id="p1",
        boot_epoch=epoch,
        first_seq=first,
        count=len(values),
        features=rows.tobytes(),
        event_times=(),
    )
    return ObservationBatch.from_dict(base.as_dict() | fields)


def maker(registry: CollectorRegistry) -> Callable[[int, State], IngestionTask]:
    rules, metrics = {"default/pumps": Rules.of(DEFINITION)}, Metrics(registry)
    return lambda partition, state: IngestionTask(partition, 1, state, rules.get, metrics, EVERYBODY)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def driver(registry: CollectorRegistry) -> TaskDriver:
    return TaskDriver("ingestion", maker(registry))


def spans(sent: list[Send | Forward]) -> list[tuple[int, int]]:
    return [(e.first_seq, e.count) for one in sent if isinstance(one, Send) and isinstance(e := one.event, ObservationBatch)]


def rows(registry: CollectorRegistry, outcome: str) -> float:
    return registry.get_sample_value("edgeloop_ingestion_rows_total", {"outcome": outcome}) or 0.0


def test_a_cloned_device_loses_no_row_silently(driver: TaskDriver, registry: CollectorRegistry) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1, 2, 3, 4]))
    driver.restart()
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(2, [3, 9, 9, 5]))) == [(4, 2)]
    [dead] = driver.dead
    assert dead.reason == "NUMBER_TAKEN"
    assert dead.message == (
        "row 1: expected a new number or id, or the known contents, given sequence number 3 of boot_epoch 1 with other contents "
        "(two devices with one name, or a producer that restarts its count without a new boot_epoch?); 1 of 4 rows refused"
    )
    assert [rows(registry, outcome) for outcome in ("accepted", "duplicate", "contradicting")] == [6, 1, 1]


def test_a_device_that_is_doubted_is_named_once_a_transaction_and_reason(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1, 2, 3, 4]))
    records = [driver.receive(topics.OBSERVATIONS_RAW, batch(at, [9]), key="other/pumps/p1") for at in (0, 1, 7)]
    told = [one.event for one in driver.transaction(records) if isinstance(one, Send) and isinstance(one.event, DeviceDoubted)]
    assert [(one.device_id, one.reason, one.records) for one in told] == [("p1", "OTHER_KEY", 3), ("p1", "NUMBER_TAKEN", 2)]
    assert told[0].message == "key: expected 'default/pumps/p1', as the record says, given 'other/pumps/p1'"
    assert "sequence number 0" in told[1].message


def test_a_row_that_was_sent_as_a_batch_and_as_a_single_row_is_one(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1.5, float("nan")], request_ids=["", "r"], answers=["up", ""]))
    for seq, value, request, answer in ((0, 1.5, "", "up"), (1, float("nan"), "r", "")):
        single = ObservationRow(
            tenant="default",
            stream="pumps",
            device_id="p1",
            boot_epoch=1,
            seq=seq,
            features=(value, 2.0),
            request_id=request,
            answer=answer,
        )
        assert driver.send(topics.OBSERVATION_ROWS_RAW, single) == []
    assert driver.dead == []


@pytest.mark.parametrize(
    "fields", [{"event_times": [5]}, {"request_ids": ["r"]}, {"answers": ["up"]}, {"model_version": 1}, {"adapter": 1}], ids=str
)
def test_all_that_belongs_to_a_row_is_compared(driver: TaskDriver, fields: dict[str, object]) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1]))
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(0, [1], **fields))) == []
    assert [dead.reason for dead in driver.dead] == ["NUMBER_TAKEN"]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(0, 50), st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_contents_are_compared_row_by_row_however_batches_are_cut(first: list[int], begins: int, second: list[int]) -> None:
    driver = TaskDriver("ingestion", maker(CollectorRegistry()))
    other = {7, 40, 41, 90}
    at = 0
    for count in first:
        driver.send(topics.OBSERVATIONS_RAW, batch(at, [float(i) for i in range(at, at + count)]))
        at += count
    seen, again = at, begins
    for count in second:
        values = [float(-1 if i in other else i) for i in range(again, again + count)]
        driver.send(topics.OBSERVATIONS_RAW, batch(again, values))
        again += count
    refused = sum(int(more[1]) if (more := re.search(r"; (\d+) of \d+ rows refused$", dead.message)) else 1 for dead in driver.dead)
    assert refused == sum(begins <= one < min(again, seen) for one in other)


def test_a_producer_that_begins_again_at_0_is_told_however_far_it_had_come(driver: TaskDriver, registry: CollectorRegistry) -> None:
    step = 5_000
    for at in range(0, 20 * step, step):
        driver.send(topics.OBSERVATIONS_RAW, batch(at, [float(at % 7)] * step))
    accepted = rows(registry, "accepted")
    driver.restart()
    for at in range(200):
        driver.send(topics.OBSERVATIONS_RAW, batch(at, [-1.0]))
    assert rows(registry, "accepted") == accepted
    assert [dead.reason for dead in driver.dead] == ["NUMBER_TAKEN"] * 200


def test_a_clone_far_behind_is_found_by_the_samples_and_then_loses_nothing(driver: TaskDriver, registry: CollectorRegistry) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1.0] * 50_000))
    stride = 50_000 // MAX_SAMPLES * 2
    lost = 0
    for at in range(20_001, 22_001):
        driver.send(topics.OBSERVATIONS_RAW, batch(at, [-1.0]))
        lost = int(rows(registry, "uncompared"))
    assert lost < stride
    assert len(driver.dead) == 2_000 - lost


def test_an_old_duplicate_that_cannot_be_compared_is_dropped_and_counted_as_that(driver: TaskDriver, registry: CollectorRegistry) -> None:
    values = [float(i % 5) for i in range(20_000)]
    driver.send(topics.OBSERVATIONS_RAW, batch(0, values))
    assert driver.send(topics.OBSERVATIONS_RAW, batch(0, values)) == []
    assert driver.dead == []
    assert rows(registry, "duplicate") >= SLOTS * ROWS - ROWS
    assert rows(registry, "duplicate") + rows(registry, "uncompared") == 20_000


def test_what_is_remembered_of_a_device_is_bounded(driver: TaskDriver) -> None:
    chance = random.Random(1)
    for _ in range(60):
        driver.send(topics.OBSERVATIONS_RAW, batch(chance.randrange(10**6), [1.0] * chance.randrange(1, 400)))
    contents = [seen for _, seen in driver.state.items(SeenContents)]
    assert len(contents) <= SLOTS
    assert all(len(seen.digests) <= 4 * ROWS for seen in contents)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 500)), min_size=1, max_size=12))
def test_digests_that_are_remembered_are_those_that_were_given(spans: list[tuple[int, int]]) -> None:
    contents, truth = Contents(), {}
    for first, count in spans:
        digests = np.arange(first + 1, first + count + 1, dtype=np.uint32)
        contents.add(first, digests)
        truth |= dict(zip(range(first, first + count), digests.tolist(), strict=True))
    found = contents.of(0, 4000)
    assert all(digest == truth.get(seq) for seq, digest in enumerate(found.tolist()) if digest)
    newest = spans[-1][0] + spans[-1][1]
    if newest == max(first + count for first, count in spans):
        first = max(spans[-1][0], newest - (SLOTS - 1) * ROWS)
        assert found[first:newest].tolist() == list(range(first + 1, newest + 1))


def test_digests_do_not_depend_on_the_version_of_this_code() -> None:
    given = batch(0, [1.5, -2.0], event_times=[7, 0], request_ids=["a", ""], answers=["up", "down"], model_version=3, adapter=150)
    assert row_digests(given).tolist() == [3784892607, 929920987]  # in state topics since their first release


# Epochs


def test_four_forged_epochs_cost_a_device_in_use_nothing(driver: TaskDriver) -> None:
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1] * 10))
    for forged in (2**53 - 4, 2**53 - 3, 2**53 - 2, 2**53 - 1, 5, 6, 7):
        driver.send(topics.OBSERVATIONS_RAW, batch(0, [9], epoch=forged))
    driver.restart()
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(10, [1, 1]))) == [(10, 2)]


@pytest.mark.parametrize("forged_rows", [1, 9])
@pytest.mark.parametrize("quiet", [True, False])
def test_an_attacker_who_forges_epochs_for_days_does_not_drive_the_device_out(driver: TaskDriver, forged_rows: int, quiet: bool) -> None:
    chance = random.Random(7)
    at, now, admitted = 0, 1, set[int]()
    driver.send(topics.OBSERVATIONS_RAW, batch(0, [1] * 10), timestamp=now)
    for _ in range(300):
        now += WITHIN_MS // 40
        forged = chance.choice([chance.randrange(2**53), chance.randrange(2, 40)])
        before = len(driver.dead)
        sent = driver.send(topics.OBSERVATIONS_RAW, batch(0, [9] * forged_rows, epoch=forged), timestamp=now)
        if len(driver.dead) == before:
            assert spans(sent) == [] or forged not in admitted  # never in twice
            admitted.add(forged)
        if not quiet:
            at += 1
            assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(9 + at, [1]), timestamp=now)) == [(9 + at, 1)]
    driver.restart()
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(10 + at, [1, 1]), timestamp=now)) == [(10 + at, 2)]
    assert len(list(driver.state.items(SeenRows))) <= MAX_EPOCHS
    assert {dead.reason for dead in driver.dead} >= {"TOO_MANY_EPOCHS"}


def test_so_many_epochs_begin_within_an_hour_and_later_others_may(driver: TaskDriver) -> None:
    for epoch in range(1, MAX_BEGINNINGS + 3):
        driver.send(topics.OBSERVATIONS_RAW, batch(0, [1], epoch=epoch), timestamp=1_000 + epoch)
    [dead] = driver.dead
    assert (dead.reason, dead.message) == (
        "TOO_MANY_EPOCHS",
        "boot_epoch: expected 25, which was in use last, as 24 others began within an hour, given 26",
    )
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(0, [1], epoch=26), timestamp=1_002 + WITHIN_MS)) == [(0, 1)]


def test_a_device_that_loses_its_disk_again_and_again_is_heard(driver: TaskDriver) -> None:
    now = 1
    for epoch in range(1, 3 * MAX_EPOCHS):
        now += WITHIN_MS
        for at in range(2):
            assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(at, [1], epoch=epoch), timestamp=now)) == [(at, 1)]
        driver.restart()
    assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(5, [1], epoch=1), timestamp=now)) == []
    assert [dead.reason for dead in driver.dead] == ["FORGOTTEN_EPOCH"]
    assert (
        f"expected {3 * MAX_EPOCHS - 1}, which was in use last, or a new one, given 1, whose rows are forgotten" in driver.dead[0].message
    )


@given(st.lists(st.integers(0, 300), min_size=1, max_size=400))
def test_no_epoch_begins_twice(numbers: list[int]) -> None:
    epochs, begun = Epochs(), set[int]()
    for i, number in enumerate(numbers):
        try:
            epoch = epochs.of(number, i * WITHIN_MS)
        except InadmissibleError:
            assert number in begun or len(epochs.forgotten.starts) == MAX_FORGOTTEN
            continue
        new = number not in epochs.known
        assert not (new and number in begun)
        begun.add(number)
        epoch.runs.add(0, 1 + i % 3)
        epochs.keep(number, epoch, i * WITHIN_MS)
    assert len(epochs.known) <= MAX_EPOCHS


def test_epochs_of_a_state_that_knew_only_the_newest_four_stay_forgotten(registry: CollectorRegistry) -> None:
    state = State()
    for epoch in (3, 4, 5, 6):
        state.put(f"{KEY}/{epoch}", SeenRows(stream="pumps", device_id="p1", boot_epoch=epoch, starts=(0,), ends=(5,)))
    driver = TaskDriver("ingestion", lambda partition, _: maker(registry)(partition, state))
    for epoch in (1, 2, 3):
        assert spans(driver.send(topics.OBSERVATIONS_RAW, batch(0, [1], epoch=epoch))) == []
    assert [dead.reason for dead in driver.dead] == ["FORGOTTEN_EPOCH"] * 2
    assert Epoch().rows == 0
