from __future__ import annotations

from pathlib import Path

import pytest
from edgeloop_contracts import JoinState
from edgeloop_labels.core.pending_batch import Pending
from edgeloop_labels.io.database import PendingFile
from edgeloop_streaming import BackpressureError


def place(bench) -> JoinState:
    return bench.driver.state.get(JoinState, "")


def test_a_restart_with_its_cache_reads_nothing_again(bench, observed, label, examples) -> None:
    bench.send(observed(0, 3, adapter=150, answers=["a"] * 3, answers_alone=["", "", "b"]))
    bench.driver.restart()
    (example,) = examples(bench.send(label(2)))
    assert (example.adapters, example.answers_alone) == ((150,), ("b",))
    assert bench.reads == 0


def test_a_lost_cache_comes_back_from_the_topic(bench, observed, label, examples) -> None:
    for seq in range(10):
        bench.send(observed(seq, request_ids=[f"r{seq}"]))
    bench.lose_disk()
    bench.driver.restart()
    sent = bench.send(label(3), label(-1, request_id="r7"))
    assert examples(sent)[0].seqs == (3, 7)
    assert bench.reads == 1


def test_a_long_rebuild_goes_in_slices_and_holds_back_records_meanwhile(bench, observed, label, examples) -> None:
    for seq in range(200):
        bench.send(observed(seq))
    bench.lose_disk()
    bench.driver.restart()
    record = bench.receive(label(150))
    with pytest.raises(BackpressureError) as pressure:
        bench.driver.task.handle(record)
    while not pressure.value.ready():
        pass
    assert examples(bench.driver.transaction([record]))[0].seqs == (150,)
    assert bench.reads == 3  # 64, then 128, then what is left


def test_a_cache_that_is_behind_is_read_on_from_where_it_stood(bench, observed, label, examples) -> None:
    bench.send(observed(0))
    old = bench.path
    bench.driver.restart()
    bench.lose_disk()
    bench.driver.restart()
    bench.send(observed(1))
    bench.path = old
    bench.driver.restart()
    bench.reads = 0
    assert examples(bench.send(label(0), label(1)))[0].seqs == (0, 1)
    assert bench.reads == 1


def test_a_cache_that_is_ahead_is_cut_to_what_the_state_knows(bench, observed, label, examples) -> None:
    bench.send(observed(0))
    aborted = bench.receive(observed(1))
    bench.driver.task.handle(aborted)
    bench.driver.task.flush()
    bench.driver.restart()
    assert bench.send(label(1)) == [], "the observation has not been handled"
    assert examples(bench.driver.transaction([aborted]))[0].seqs == (1,)


@pytest.mark.parametrize("others", [1, 2, 5])
def test_a_cache_of_another_log_is_not_believed(bench, observed, label, examples, others: int) -> None:
    file = PendingFile(bench.path)
    foreign = [Pending(i, 1, f"foreign {i}", observed(i, features=b"\0" * 8)) for i in range(others)]
    file.write(foreign, 0)
    bench.driver.restart()
    bench.send(observed(0))
    bench.send(observed(1))
    file.write(foreign, 0)
    bench.driver.restart()
    [example] = examples(bench.send(label(0), label(1)))
    assert example.features == observed(0, 2).features


def test_a_broken_file_is_made_anew(bench, observed, label, examples) -> None:
    bench.send(observed(0))
    bench.lose_disk()
    Path(bench.path).write_bytes(b"no database " * 1000)
    bench.driver.restart()
    assert examples(bench.send(label(0)))


def test_what_retention_deleted_before_a_rebuild_is_counted_and_the_rest_comes_back(bench, observed, label, examples) -> None:
    for seq in range(20):
        bench.send(observed(seq))
    bench.first = 13
    bench.lose_disk()
    bench.driver.restart()
    with pytest.raises(BackpressureError):
        bench.driver.task.handle(bench.receive(label(0)))
    assert examples(bench.send(label(12), label(13)))[0].seqs == (13,)
    assert bench.registry.get_sample_value("edgeloop_labels_lost_total") == 13


def test_the_low_water_follows_the_oldest_observation_within_the_horizon(make_bench, observed) -> None:
    bench = make_bench(horizon_ms=1000)
    bench.send(observed(0), timestamp=0)
    bench.send(observed(1), timestamp=900)
    assert place(bench).low_water == 0
    bench.send(observed(2), timestamp=1500)
    assert (place(bench).low_water, place(bench).position) == (1, 3)
    bench.lose_disk()
    bench.driver.restart()
    bench.send(observed(3), timestamp=3000)
    assert place(bench).low_water == 3


def test_an_expired_row_stays_on_disk_until_its_transaction_has_committed(make_bench, observed, label, examples) -> None:
    bench = make_bench(horizon_ms=1000)
    bench.send(observed(0), timestamp=0)
    aborted = bench.receive(observed(1), timestamp=2000)
    bench.driver.task.handle(aborted)
    bench.driver.task.flush()
    bench.driver.restart()
    assert examples(bench.send(label(0), timestamp=999))
    assert bench.reads == 0
