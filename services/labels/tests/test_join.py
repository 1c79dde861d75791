from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from edgeloop_contracts import DeadLetter, ExampleBatch, LabelContradicted, LabelledRows, WaitingLabel, topics
from edgeloop_streaming import Send

MINUTE = 60_000


def only(events: list[Any]) -> Any:
    [event] = events
    return event


def test_a_label_after_its_observation_makes_an_example(bench, observed, label, examples) -> None:
    assert bench.send(observed(5, 3, answers=["a", "b", "c"])) == []
    sent = bench.send(label(6, "b"))
    example = only(examples(sent))
    assert example == ExampleBatch(
        tenant="default",
        stream="pumps",
        device_id="p1",
        boot_epoch=1,
        first_index=0,
        seqs=(6,),
        features=np.array([6, 6], "<f4").tobytes(),
        labels=("b",),
        answers=("b",),
        model_versions=(3,),
    )
    assert (sent[0].topic, sent[0].key) == (topics.EXAMPLES, "default/pumps/p1")


def test_a_label_that_comes_first_waits_for_its_observation(bench, observed, label, examples) -> None:
    assert bench.send(label(6, "b")) == []
    bench.driver.restart()
    observation = bench.receive(observed(5, 3))
    sent = bench.driver.transaction([observation])
    assert only(examples(sent)).seqs == (6,)
    assert sent[0].cause == observation.cause
    assert list(bench.driver.state.items(WaitingLabel)) == []


def test_a_record_that_is_applied_twice_changes_nothing(bench, observed, label) -> None:
    bench.send(observed(0, 2))
    assert bench.driver.repeat() == []
    assert bench.count("rows", "repeated") == 2
    bench.send(label(0))
    assert bench.driver.repeat() == []
    bench.send(label(7))
    assert bench.driver.repeat() == []
    assert len(list(bench.driver.state.items(WaitingLabel))) == 1
    bench.driver.restart()
    assert bench.send(label(0)) == []
    assert bench.send(observed(0, 2)) == []
    assert bench.count("labels", "repeated") == 3


def test_pairs_of_one_device_become_one_batch_in_the_order_of_their_completion(bench, observed, label, examples) -> None:
    bench.send(observed(0, 4), observed(0, 2, device="p2"))
    sent = bench.send(label(3), label(0), label(0, device="p2"), label(1))
    assert [(e.device_id, e.first_index, e.seqs) for e in examples(sent)] == [("p1", 0, (3, 0)), ("p2", 2, (0,)), ("p1", 3, (1,))]
    sent = bench.send(label(2))
    assert only(examples(sent)).first_index == 4


def test_examples_carry_the_adapter_that_answered_each_row(bench, observed, label, examples) -> None:
    bench.send(observed(0, 2, adapter=150), observed(2, 1), observed(3, 1, adapter=200))
    assert only(examples(bench.send(*(label(seq) for seq in range(4))))).adapters == (150, 150, 0, 200)
    bench.send(observed(4))
    assert only(examples(bench.send(label(4)))).adapters == ()


def test_examples_carry_what_the_version_alone_would_have_answered(bench, observed, label, examples) -> None:
    bench.send(observed(0, 2, answers=["a", "a"], answers_alone=["", "b"]), observed(2, 1, answers=["c"]))
    assert only(examples(bench.send(*(label(seq) for seq in range(3))))).answers_alone == ("", "b", "")
    bench.send(observed(3, answers=["c"]))
    assert only(examples(bench.send(label(3)))).answers_alone == ()


def test_a_batch_of_examples_is_caused_by_the_record_that_completed_its_last_pair(bench, observed, label) -> None:
    records = [bench.receive(event) for event in (observed(0, 4), label(0), label(1), label(9))]
    sent = bench.driver.transaction(records)
    assert only(sent).cause == records[2].cause


def test_a_batch_of_examples_holds_at_most_a_thousand_rows(bench, observed, label, examples) -> None:
    bench.send(observed(0, 2500))
    sent = bench.send(*(label(seq) for seq in range(2500)))
    assert [len(e.seqs) for e in examples(sent)] == [1000, 1000, 500]
    assert [e.first_index for e in examples(sent)] == [0, 1000, 2000]


def test_a_different_label_wins_and_is_told(bench, observed, label, examples) -> None:
    bench.send(observed(0, 2))
    bench.send(label(1, "up"))
    for text, previous, index in (("down", "up", 1), ("up", "down", 2)):
        bench.driver.restart()
        sent = bench.send(label(1, text))
        event = only([s.event for s in sent if s.topic == topics.LABEL_CONTRADICTIONS])
        assert event == LabelContradicted(
            tenant="default", stream="pumps", device_id="p1", boot_epoch=1, seq=1, previous=previous, label=text
        )
        example = only(examples(sent))
        assert (example.corrects, example.first_index, example.seqs, example.labels) == (True, index, (1,), (text,))
        assert bench.driver.repeat() == []


def test_an_example_and_its_correction_within_one_transaction_are_two_batches(bench, observed, label, examples) -> None:
    sent = bench.send(observed(0), label(0, "up"), label(0, "down"))
    assert [(e.corrects, e.labels) for e in examples(sent)] == [(False, ("up",)), (True, ("down",))]


def test_a_label_may_name_the_request_in_its_epoch_or_in_any(bench, observed, label, examples) -> None:
    bench.send(observed(0, 2, request_ids=["a", "b"]), observed(0, 2, epoch=2, request_ids=["c", ""]))
    assert only(examples(bench.send(label(-1, request_id="b", epoch=0)))).seqs == (1,)
    assert only(examples(bench.send(label(-1, request_id="a", epoch=1)))).seqs == (0,)
    assert examples(bench.send(label(-1, request_id="a", epoch=2))) == []
    bench.driver.restart()
    assert only(examples(bench.send(label(-1, request_id="c", epoch=0)))).boot_epoch == 2


def test_labels_by_request_wait_too_and_the_oldest_is_joined_first(bench, observed, label, examples) -> None:
    bench.send(label(-1, "first", request_id="a", epoch=0))
    bench.send(label(0, "second"))
    bench.send(label(-1, "third", request_id="a", epoch=1))
    bench.driver.restart()
    sent = bench.send(observed(0, 1, request_ids=["a"]))
    assert [(e.labels, e.corrects) for e in examples(sent)] == [(("first",), False), (("second", "third"), True)]


def test_rows_without_sequence_numbers_are_labelled_by_request_whatever_epoch_the_label_says(bench, observed, label, examples) -> None:
    bench.send(label(-1, "early", request_id="d", epoch=7), label(-1, "early too", request_id="c", epoch=0))
    bench.driver.restart()
    sent = bench.send(observed(0, 4, epoch=-1, request_ids=["a", "b", "c", "d"]))
    assert [(e.boot_epoch, e.seqs, e.labels) for e in examples(sent)] == [(-1, (2, 3), ("early too", "early"))]
    assert only(examples(bench.send(label(-1, request_id="a", epoch=0)))).seqs == (0,)
    bench.lose_disk()
    bench.driver.restart()
    assert only(examples(bench.send(label(-1, request_id="b", epoch=7)))).seqs == (1,)
    assert bench.count("labels", "waiting") == 2


def test_the_newest_row_with_a_request_id_is_meant(bench, observed, label, examples) -> None:
    bench.send(observed(0, 1, request_ids=["a"]))
    bench.send(observed(0, 1, epoch=2, request_ids=["a"]))
    assert only(examples(bench.send(label(-1, request_id="a", epoch=0)))).boot_epoch == 2
    bench.driver.restart()
    assert bench.send(label(-1, request_id="a", epoch=0)) == []


def test_a_different_label_takes_the_place_of_one_that_waits(bench, observed, label, examples) -> None:
    bench.send(label(0, "up"))
    sent = bench.send(label(0, "down"))
    assert isinstance(only(sent).event, LabelContradicted)
    assert only(examples(bench.send(observed(0)))).labels == ("down",)


def test_a_label_that_waits_in_vain_goes_to_the_dead_letters_with_its_original_bytes(bench, label, observed) -> None:
    waiting = bench.receive(label(3), timestamp=1000)
    bench.driver.transaction([waiting])
    assert bench.send(observed(0, device="p2"), timestamp=1000 + 10 * MINUTE - 1) == []
    bench.driver.restart()
    [sent] = bench.send(observed(1, device="p2"), timestamp=1000 + 10 * MINUTE)
    assert isinstance(sent, Send)
    letter = sent.event
    assert isinstance(letter, DeadLetter)
    assert (sent.topic, sent.partition, sent.cause) == (topics.dead_letters("labels"), 0, waiting.cause)
    assert (letter.topic, letter.offset, letter.value, letter.reason) == ("labels", 0, waiting.raw, "NO_OBSERVATION")
    assert letter.message == "row 3 of default/pumps/p1, epoch 1: expected its observation within 600 s, given none"
    assert bench.driver.repeat() == []
    assert bench.count("labels", "no_observation") == 1


def test_an_observation_expires_by_age_and_its_labels_with_it(make_bench, observed, label) -> None:
    bench = make_bench(horizon_ms=1000)
    bench.send(observed(0, 200), timestamp=0)
    bench.send(label(0), timestamp=1)
    bench.send(observed(200, 200), timestamp=900)
    bench.send(label(399), label(200), timestamp=901)
    bench.send(observed(0, device="p2"), timestamp=1001)
    assert bench.count("rows", "unlabelled") == 199
    keys = [key for key, _ in bench.driver.state.items(LabelledRows)]
    assert keys == ["default/pumps/p1/1/1", "default/pumps/p1/1/3"], "block 0 has gone, block 1 holds rows that have not"
    bench.send(label(5), timestamp=1002)
    [sent] = bench.send(observed(1, device="p2"), timestamp=1003 + 10 * MINUTE)
    assert "later rows of the device are there" in sent.event.message
    assert bench.count("labels", "expired") == 1


def test_observations_expire_by_size(make_bench, observed, label, examples) -> None:
    bench = make_bench(horizon_bytes=20_000)
    for seq in range(0, 5000, 500):
        bench.send(observed(seq, 500))
    bench.driver.restart()
    assert bench.send(label(2999)) == []
    assert only(examples(bench.send(label(4999)))).seqs == (4999,)


def test_a_transaction_writes_little_state_however_many_labels_there_are(bench, observed, label) -> None:
    bench.send(observed(0, 5000))
    bench.send(*(label(seq, f"class {seq % 7}") for seq in range(5000)))
    before = dict(bench.driver.stored)
    bench.send(label(4999, "other"))
    changed = {key: event for key, event in bench.driver.stored.items() if before.get(key) != event}
    assert sorted(changed) == ["Checkpoint/", "JoinState/default/pumps", "LabelledRows/default/pumps/p1/1/39"]
    assert len(changed["LabelledRows/default/pumps/p1/1/39"].codes) <= 128


def test_a_batch_whose_answers_do_not_fit_its_rows_is_a_dead_letter(bench, observed, label) -> None:
    odd = replace(observed(0, 2, answers=["a", "b"]), answers_alone=("c",))
    bench.send(odd)
    [letter] = bench.driver.dead
    assert (letter.reason, letter.message) == ("INVALID_SHAPE", "answers_alone: expected none or 2, given 1")
    assert bench.send(label(0)) == []
