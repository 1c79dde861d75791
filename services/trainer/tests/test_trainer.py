"""The task: requests and rows in, runs, candidates and chunks out."""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from edgeloop_contracts import GateKind, GateState, ModelCandidate, Policy, RunStatus, TrainingPolicy, TrainingRun, topics
from edgeloop_streaming import BackpressureError, Send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FITTED, PROMOTED, REJECTED, FAILED = RunStatus.FITTED, RunStatus.PROMOTED, RunStatus.REJECTED, RunStatus.FAILED


def runs(sent: list[Send]) -> list[TrainingRun]:
    """The runs among what was sent, without what time tells."""
    return [replace(send.event, fit_seconds=0.0) for send in sent if isinstance(send.event, TrainingRun)]


def statuses(sent: list[Send]) -> list[RunStatus]:
    return [run.status for run in runs(sent)]


def candidates(sent: list[Send]) -> list[ModelCandidate]:
    return [send.event for send in sent if isinstance(send.event, ModelCandidate)]


def test_the_first_model_of_a_stream_has_to_beat_the_majority_class(world):
    world.deliver(*world.label([20] * 10))
    request = world.request(0, 200, GateKind.MAJORITY)
    sent = world.deliver(request)
    assert statuses(sent) == [FITTED, PROMOTED]
    fitted, promoted = runs(sent)
    assert (promoted.rows, promoted.judged, promoted.row, promoted.champion_version) == (200, 40, 200, None)
    assert promoted.wins > promoted.losses
    assert promoted.metrics["gate_accuracy"] > promoted.metrics["gate_champion_accuracy"]
    chunks = [send for send in sent if send.topic is topics.MODEL_CHUNKS]
    (candidate,) = candidates(sent)
    assert hashlib.sha256(b"".join(send.event.data for send in chunks)).hexdigest() == candidate.file.digest == fitted.file.digest
    assert (candidate.file.chunks, candidate.file.partition, candidate.file.offset) == (len(chunks), 0, 0)
    assert (candidate.classes, candidate.definition_version, candidate.champion_version) == (("high", "low"), 3, None)
    assert {send.cause.id for send in sent} == {request.id}
    assert {send.cause.at for send in sent} == {request.at}


def _rows_that_tell_nothing(world):
    received = world.label([20] * 10)
    for partition in (0, 1):
        records = world.log.records[topics.EXAMPLES.name, partition]
        for offset, record in records.items():
            records[offset] = replace(record, event=replace(record.event, features=bytes(20 * 16)))
    world.deliver(*received)


def test_a_first_version_is_taken_though_it_knows_no_more_than_the_majority_and_its_run_says_so(world):
    _rows_that_tell_nothing(world)
    sent = world.deliver(world.request(0, 200, GateKind.MAJORITY))
    assert statuses(sent) == [FITTED, PROMOTED]
    assert len(candidates(sent)) == 1
    run = runs(sent)[-1]
    assert run.wins <= run.losses
    assert run.judged == 40


def test_a_later_challenger_that_knows_no_more_than_the_majority_is_rejected_and_sends_no_candidate(world):
    world.first_champion()
    rows = world.driver.state.get(GateState, world.key).rows
    _rows_that_tell_nothing(world)
    sent = world.deliver(world.request(rows, rows + 200, GateKind.MAJORITY))
    assert statuses(sent) == [FITTED, REJECTED]
    assert not candidates(sent)


def test_a_challenger_is_promoted_at_the_row_that_decides(world):
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    request = world.request(200, 400)
    assert statuses(world.deliver(request)) == [FITTED]
    sent = world.deliver(*world.label([5] * 4, flipped=True))
    (run,) = runs(sent)
    assert run.status == PROMOTED
    assert run.wins + run.losses >= 8
    assert run.row == 400 + run.judged < 420
    (candidate,) = candidates(sent)
    assert candidate.champion_version == 1
    assert {send.cause.id for send in sent} == {request.id}
    assert world.driver.state.get(GateState, world.key).gate is None


def test_a_policy_in_mid_stream_changes_the_next_fit_and_its_gate_and_not_the_open_one(world):
    def policy(version: int, **more: Any) -> None:
        world.policies.publisher("a person").publish(
            topics.POLICIES, world.key, Policy(tenant="default", stream=world.stream, version=version, **more)
        )

    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    policy(1, training=TrainingPolicy(trees=3), gate_minimum=3)
    (fitted,) = runs(world.deliver(world.request(200, 400)))
    assert fitted.parameters["trees"] == "3"
    policy(2, gate_minimum=50)
    world.driver.restart()
    (run,) = runs(world.deliver(*world.label([5] * 4, flipped=True)))
    assert run.status == PROMOTED
    assert 3 <= run.wins + run.losses < 8
    world.deliver(*world.label([20] * 10))
    (fitted,) = runs(world.deliver(world.request(420, 620)))
    assert fitted.parameters["trees"] == "8"
    assert runs(world.deliver(*world.label([5] * 8))) == []


def test_a_challenger_that_is_never_ahead_is_rejected_at_the_last_row_and_its_chunks_go(world):
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    fitted = world.deliver(world.request(200, 400, until=450))
    sent = world.deliver(*world.label([7] * 10))
    (run,) = runs(sent)
    assert (run.status, run.row, run.judged) == (REJECTED, 450, 50)
    assert run.losses > run.wins
    deleted = {send.key for send in sent if send.event is None}
    assert deleted == {send.key for send in fitted if send.topic is topics.MODEL_CHUNKS}


def test_chunks_stay_where_the_same_file_is_a_version(world):
    world.first_champion()
    fitted = world.deliver(replace_id(world, world.request(0, 200, until=250)))
    assert runs(fitted)[0].file.digest == world.log.records[topics.MODEL_EVENTS.name, 0][0].event.file.digest
    sent = world.deliver(*world.label([10] * 5))
    assert statuses(sent) == [REJECTED]
    assert all(send.event is not None for send in sent)


def replace_id(world, received):
    return world.driver.receive(topics.TRAINING_REQUESTS, replace(received.event, request_id="again"), world.key)


@given(st.sets(st.integers(1, 9)), st.integers(1, 9), st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_decision_does_not_depend_on_batches_transactions_or_when_the_fit_ended(make_world, cuts, transaction, late):
    def play(cuts: set[int], transaction: int, late: bool) -> list[TrainingRun]:
        world = make_world()
        world.first_champion()
        world.deliver(*world.label([20] * 10, flipped=True))
        request = world.request(200, 400)
        sent = [] if late else world.deliver(request)
        # Ten rows of one device, then ten of the other; each cut into pieces.
        cut = [end - first for first, end in pairwise([0, *sorted(cuts), 10])]
        received = world.label(cut * 2, flipped=True, turns=[0] * len(cut) + [1] * len(cut))
        for first in range(0, len(received), transaction):
            sent += world.deliver(*received[first : first + transaction])
        sent += world.deliver(request) if late else []
        return [run for run in runs(sent) if run.status != FITTED]

    (whole,) = play(set(), 1, False)
    assert whole.status == PROMOTED
    assert whole.row < 420
    assert play(cuts, transaction, late) == [whole]


def test_a_request_older_than_the_rows_in_memory_is_judged_on_its_own_rows(make_world):
    def play(later: int, restart: bool):
        world = make_world()
        world.first_champion()
        world.deliver(*world.label([20] * 10, flipped=True))
        request = world.request(200, 400)
        world.deliver(*world.label([10] * 20, flipped=True))
        for _ in range(later):
            world.deliver(*world.label([100] * 10))
        if restart:
            world.driver.restart()
        return runs(world.deliver(request))

    assert play(0, False) == play(4, False) == play(4, True)


def test_a_restart_in_the_middle_of_a_gate_changes_nothing(make_world):
    def play(restart: bool):
        world = make_world()
        world.first_champion()
        world.deliver(*world.label([20] * 10, flipped=True))
        world.deliver(world.request(200, 400, until=500))
        sent = []
        for received in world.label([3] * 40):
            sent += world.deliver(received)
            if restart:
                world.driver.restart()
        return runs(sent)

    (run,) = play(False)
    assert run.status == REJECTED
    assert play(True) == [run]


def test_applied_twice_changes_nothing(world):
    world.first_champion()
    assert world.driver.repeat() == []
    world.deliver(*world.label([20] * 10, flipped=True))
    before = world.driver.state.get(GateState, world.key)
    assert world.driver.repeat() == []
    assert world.driver.state.get(GateState, world.key) == before
    world.deliver(world.request(200, 400))
    assert world.driver.repeat() == []
    world.deliver(*world.label([20], flipped=True))
    assert world.driver.repeat() == []


def test_a_newer_request_ends_the_gate_before_it_at_its_own_row(make_world):
    def play(ahead: int):
        world = make_world(minimum=1000)
        world.first_champion()
        world.deliver(*world.label([20] * 10, flipped=True))
        world.deliver(world.request(200, 400, until=600))
        received = world.label([10] * 15, flipped=True)
        world.deliver(*received[: 10 + ahead])
        return world, world.deliver(world.request(200, 500, stage=1)), received

    world, sent, received = play(0)
    closed, fitted = runs(sent)
    assert (closed.status, closed.row, closed.judged, closed.stage) == (PROMOTED, 500, 100, 0)
    assert (fitted.status, fitted.stage) == (FITTED, 1)
    _, other, _ = play(5)
    assert runs(other)[0] == closed
    # The new challenger meets the one that was just promoted.
    world.deliver(*received[10:])
    gate = world.driver.state.get(GateState, world.key).gate
    assert (gate.champion_version, gate.tally.judged) == (2, 50)


def test_a_newer_request_waits_for_the_rows_before_it(world):
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    world.deliver(world.request(200, 400, until=600))
    received = world.label([10] * 10)
    request = world.request(200, 500, stage=1)
    world.deliver(*received[:5])
    with pytest.raises(AssertionError, match="waits for ever"):
        world.deliver(request, seconds=2)
    world.deliver(*received[5:])
    assert statuses(world.deliver(request)) == [REJECTED, FITTED]


def test_a_request_waits_until_the_registry_has_answered_the_candidate_before_it(make_world):
    world = make_world(registry_answers=False)
    world.deliver(*world.label([20] * 10))
    sent = world.deliver(world.request(0, 200, GateKind.MAJORITY))
    world.deliver(*world.label([20] * 10, flipped=True))
    request = world.request(200, 400)
    with pytest.raises(BackpressureError) as waiting:
        world.driver.transaction([request])
    assert not waiting.value.ready()
    world.accept(candidates(sent)[0])
    assert waiting.value.ready()
    (run,) = runs(world.deliver(request))
    assert (run.status, run.champion_version) == (FITTED, 1)


def test_the_request_pauses_while_its_fit_runs_and_rows_go_on(world):
    world.deliver(*world.label([10] * 22))
    request = world.request(0, 220, GateKind.MAJORITY)
    with pytest.raises(BackpressureError):
        world.driver.transaction([request])
    world.deliver(*world.label([20] * 2))
    assert world.driver.state.get(GateState, world.key).rows == 260
    assert statuses(world.deliver(request)) == [FITTED, PROMOTED]


def test_deleted_rows_fail_the_run(world):
    world.deliver(*world.label([20] * 10))
    world.log.gone_before[topics.EXAMPLES.name, 1] = 2
    (run,) = runs(world.deliver(world.request(0, 200, GateKind.MAJORITY)))
    assert run.status == FAILED
    assert "deleted" in run.reason


def test_rows_of_another_cluster_fail_the_run(world):
    world.deliver(*world.label([20] * 10))
    request = world.request(0, 200)
    elsewhere = replace(request.event, manifest=replace(request.event.manifest, cluster_id="elsewhere"))
    (run,) = runs(world.deliver(world.driver.receive(topics.TRAINING_REQUESTS, elsewhere, world.key)))
    assert run.status == FAILED
    assert "elsewhere" in run.reason


def test_a_stream_without_definition_fails_the_run(world):
    world.deliver(*world.label([20] * 10))
    world.log.records[topics.STREAMS.name, 0].clear()
    (run,) = runs(world.deliver(world.request(0, 200)))
    assert run.status == FAILED
    assert "no stream" in run.reason


def test_rows_deleted_during_the_gate_fail_the_run_and_the_stream_goes_on(world):
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    world.deliver(world.request(200, 400))
    received = world.label([5] * 2, flipped=True)
    world.log.gone_before[topics.EXAMPLES.name, 0] = 100
    (run,) = runs(world.deliver(*received))
    assert run.status == FAILED
    assert "gate" in run.reason
    world.log.gone_before.clear()
    assert statuses(world.deliver(world.request(200, 400, stage=1)))[0] == FITTED


def test_a_killed_child_costs_no_request(world):
    world.deliver(*world.label([20] * 10))
    os.kill(world.process.pid, signal.SIGKILL)
    assert statuses(world.deliver(world.request(0, 200, GateKind.MAJORITY))) == [FITTED, PROMOTED]


def test_names_of_streams_do_not_change_a_model(make_world):
    digests = set()
    for name in ("pumps", "run-7"):
        world = make_world(stream=name)
        world.deliver(*world.label([20] * 10))
        digests |= {run.file.digest for run in runs(world.deliver(world.request(0, 200, GateKind.MAJORITY)))}
    assert len(digests) == 1


def test_rows_of_a_gate_are_read_once_per_transaction_and_partition(world):
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    world.deliver(world.request(200, 400, until=10_000))
    received = world.label([1] * 100)
    before = world.log.reads
    world.deliver(*received)
    assert world.log.reads - before == 2
