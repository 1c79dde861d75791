"""Rows of a dataset, and the inputs of its digest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edgeloop_contracts import ExampleBatch, Manifest, Range
from edgeloop_trainer.core.dataset import DatasetError, assemble

PART = Range(partition=0, first_offset=0, end_offset=99, first_index=0, end_index=1000)


def batch(device: str, seqs: list[int], index: int = 0, labels: str = "", **more) -> ExampleBatch:
    features = np.array([[seq, len(device)] for seq in seqs], np.float32)
    names = tuple(labels or "ab"[seq % 2] for seq in seqs) if len(labels) < 2 else tuple(labels)
    return ExampleBatch(
        tenant="default",
        stream="s",
        device_id=device,
        boot_epoch=1,
        first_index=index,
        seqs=tuple(seqs),
        features=features.tobytes(),
        labels=names,
        **more,
    )


def dataset(*batches: ExampleBatch, rows: int = 0, part: Range = PART):
    return assemble(Manifest(rows=rows), [(part, b) for b in batches], 2)


def test_rows_are_sorted_whatever_their_batches():
    one = dataset(batch("d1", [0, 1, 2, 3]), batch("d2", [0, 1], 4))
    other = dataset(batch("d2", [1, 0]), batch("d1", [2, 3], 2), batch("d1", [1, 0], 4))
    assert one.digest == other.digest
    assert one.features.tolist() == other.features.tolist() == [[0, 2], [1, 2], [2, 2], [3, 2], [0, 2], [1, 2]]
    assert one.devices.tolist() == [0, 0, 0, 0, 1, 1]


def test_names_of_streams_and_devices_do_not_show_in_the_digest():
    one = dataset(batch("run1", [0, 1]), batch("run2", [5, 6], 2))
    other = dataset(*(replace(b, stream="t", tenant="x") for b in (batch("zap1", [0, 1], 7), batch("zap2", [5, 6]))))
    assert one.digest == other.digest


@pytest.mark.parametrize("changed", [batch("d1", [0, 2]), batch("d1", [0, 1], labels="ba"), batch("d1", [0, 1], labels="az")])
def test_rows_and_labels_show_in_the_digest(changed):
    assert dataset(changed).digest != dataset(batch("d1", [0, 1])).digest


def test_a_range_is_cut_to_the_row():
    part = replace(PART, first_index=3, end_index=6)
    got = dataset(batch("d1", [0, 1, 2, 3]), batch("d1", [4, 5, 6, 7], 4), part=part)
    assert got.features[:, 0].tolist() == [3, 4, 5]


def test_a_correction_replaces_its_rows_and_adds_none():
    got = dataset(batch("d1", [0, 1, 2]), batch("d1", [1, 9], 3, labels="zz", corrects=True))
    assert got.classes == ("a", "z")
    assert [got.classes[label] for label in got.labels] == ["a", "z", "a"]


def test_missing_rows_are_told():
    with pytest.raises(DatasetError, match="rows: expected 3, found 2"):
        dataset(batch("d1", [0, 1]), rows=3)
    with pytest.raises(DatasetError, match="found 0"):
        dataset()


def test_rows_of_another_width_are_told():
    with pytest.raises(DatasetError, match="features"):
        assemble(Manifest(), [(PART, batch("d1", [0, 1]))], 3)
    with pytest.raises(DatasetError, match="features of 2 rows"):
        dataset(replace(batch("d1", [0, 1]), features=b"12345"))


def test_the_newest_rows_are_the_last_fifth_of_each_device():
    got = dataset(batch("d1", list(range(10))), batch("d2", list(range(5)), 10), batch("d3", [0, 1], 15))
    assert np.flatnonzero(got.newest()).tolist() == [8, 9, 14]


def test_the_newest_of_the_rows_that_are_left_are_others():
    got = dataset(batch("d1", list(range(20))), batch("d2", list(range(5)), 20))
    held = got.newest()
    assert np.flatnonzero(held).tolist() == [16, 17, 18, 19, 24]
    assert np.flatnonzero(got.newest(without=held)).tolist() == [13, 14, 15]


def test_of_few_rows_at_least_one_is_held_out():
    assert dataset(batch("d1", [0, 1]), batch("d2", [0], 2)).newest().tolist() == [False, False, True]
