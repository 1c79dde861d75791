from random import Random

import numpy as np
import pytest
from edgeloop_contracts import DriftPartial, ExampleBatch, ObservationBatch
from edgeloop_drift.core import bits, blocks
from hypothesis import given
from hypothesis import strategies as st

HERE = blocks.Place(0, 0)


def observed(rows: np.ndarray, first_seq: int = 0, epoch: int = 1) -> ObservationBatch:
    return ObservationBatch(
        tenant="default",
        stream="",
        device_id="d",
        boot_epoch=epoch,
        first_seq=first_seq,
        count=len(rows),
        features=rows.astype("<f4").tobytes(),
    )


def fold(batches: list[ObservationBatch]) -> list[DriftPartial]:
    state, done = None, []
    for batch in batches:
        state, more = blocks.fold(state, batch, HERE)
        done += more
    return done


@given(st.integers(0, 10_000), st.integers(1, 3), st.lists(st.integers(1, 120), min_size=1, max_size=12))
def test_blocks_are_the_same_to_the_bit_however_rows_come_in_batches(seed: int, features: int, sizes: list[int]) -> None:
    rows = np.random.default_rng(seed).normal(size=(sum(sizes), features)) * 1e3
    ends = np.cumsum(sizes)
    cut = [observed(rows[end - size : end], int(end - size)) for size, end in zip(sizes, ends, strict=True)]
    done = fold(cut)
    assert done == fold([observed(rows)])
    assert [block.first_index for block in done] == [50 * i for i in range(sum(sizes) // 50)]
    for i, block in enumerate(done):
        expected = rows[50 * i : 50 * i + 50].astype("<f4").astype(float).sum(axis=0)
        assert block.sums == pytest.approx(expected.tolist(), rel=1e-6, abs=1e-6)


def test_numbers_are_right_within_the_tolerance() -> None:
    labels, answers = ("1.0", "1.0", "1.0", "1.0"), ("1.5", "1.6", "0.5", "nan")
    batch = ExampleBatch(
        tenant="default", stream="", device_id="", seqs=(0, 1, 2, 3), labels=labels, answers=answers, model_versions=(1,) * 4
    )
    (partial,) = bits.partials(batch, 0, 0, tolerance=0.5)
    assert partial.errors == b"\0\1\0\1"


def test_missing_values_count_for_no_feature() -> None:
    rows = np.ones((50, 2))
    rows[:10, 1] = np.nan
    rows[10, 1] = np.inf
    (block,) = fold([observed(rows)])
    assert (block.sums, block.present, block.count) == ((50.0, 39.0), (50, 39), 50)


def test_a_repeated_batch_changes_nothing() -> None:
    rows = np.arange(120.0).reshape(60, 2)
    batch = observed(rows)
    state, _ = blocks.fold(None, batch, HERE)
    assert blocks.fold(state, batch, HERE) == (state, [])


def test_a_block_with_a_gap_ends_at_the_next_block_and_is_given_up_when_most_of_it_is_missing() -> None:
    one = np.ones((30, 1))
    assert [(b.first_index, b.count) for b in fold([observed(one), observed(one, 50), observed(one[:20], 100), observed(one, 150)])] == [
        (0, 30),
        (50, 30),
    ]


def test_a_new_epoch_or_another_number_of_features_starts_a_new_block() -> None:
    part = np.ones((30, 1))
    assert fold([observed(part), observed(part, 0, 2)]) == []
    assert fold([observed(part), observed(np.ones((30, 2)), 30)]) == []
    assert fold([observed(part, 0, 2), observed(part, 30, 1)]) == []


def test_features_that_make_no_rows_are_a_problem() -> None:
    assert "7 bytes" in blocks.problem(
        ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1, count=2, features=b"1234567")
    )
    assert blocks.problem(
        ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1, count=0, features=b"1234")
    )
    assert not blocks.problem(observed(np.ones((3, 2))))


def examples(labels: str, answers: str, versions: list[int], **more: object) -> ExampleBatch:
    return ExampleBatch(
        tenant="default",
        stream="s",
        device_id="",
        seqs=tuple(range(len(labels))),
        labels=tuple(labels),
        answers=tuple(answers),
        model_versions=tuple(versions),
        **more,
    )


def test_errors_are_told_row_by_row() -> None:
    (partial,) = bits.partials(examples("abab", "abba", [3] * 4, first_index=7), 2, 9)
    assert (partial.errors, partial.model_version, partial.first_index, partial.count, partial.left) == (bytes([0, 0, 1, 1]), 3, 7, 4, 0)
    assert (partial.partition, partial.offset) == (2, 9)


def test_a_batch_is_cut_where_the_version_changes() -> None:
    done = bits.partials(examples("aaaaa", "abbaa", [0, 0, 1, 1, 2], first_index=7), 2, 9)
    assert [(p.model_version, p.first_index, p.count, p.left, p.errors) for p in done] == [
        (0, 7, 2, 3, bytes([2, 2])),
        (1, 9, 2, 1, bytes([1, 0])),
        (2, 11, 1, 0, bytes([0])),
    ]


def test_corrections_are_skipped_and_uneven_batches_a_problem() -> None:
    assert bits.partials(examples("ab", "ab", [1, 1], corrects=True), 0, 0) == []
    assert bits.problem(examples("ab", "ab", [1]))
    assert bits.problem(examples("", "", []))
    assert not bits.problem(examples("ab", "ab", [1, 1]))


def test_runs_keep_every_row_once() -> None:
    draw = Random(4)
    versions = [draw.randint(0, 2) for _ in range(200)]
    done = bits.partials(examples("a" * 200, "a" * 200, versions), 0, 0)
    assert [v for p in done for v in [p.model_version] * p.count] == versions


def test_errors_of_the_version_alone_are_told_where_they_are_others() -> None:
    (partial,) = bits.partials(examples("abab", "abba", [3] * 4, answers_alone=("", "a", "a", "")), 2, 9)
    assert (partial.errors, partial.errors_alone) == (bytes([0, 0, 1, 1]), bytes([0, 1, 0, 1]))
    (partial,) = bits.partials(examples("ab", "bb", [3] * 2, answers_alone=("c", "")), 2, 9)
    assert (partial.errors, partial.errors_alone) == (bytes([1, 0]), b""), "wrong in another way is as wrong"
    assert bits.problem(examples("ab", "ab", [1, 1], answers_alone=("a",)))


def test_a_forged_epoch_costs_one_block_and_no_more() -> None:
    rows = [observed(np.ones((60, 2))), observed(np.ones((1, 2)), epoch=2**53 - 1), observed(np.ones((100, 2)), first_seq=100)]
    assert [b.first_index for b in fold(rows)] == [0, 100, 150]
