import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from edgeloop_contracts import DetectorState, DriftPartial, PartialKind, Position
from edgeloop_contracts.scopes import ALONE, STREAM, VERSION
from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.pooled_detectors import ErrorAlarm, ErrorPool, InputAlarm, InputPool, Rules
from hypothesis import given, settings
from hypothesis import strategies as st
from river.drift import ADWIN


def error_partials(errors: list[int], sizes: list[int], versions: list[int] | None = None) -> list[DriftPartial]:
    """Errors cut into partials that lie in four partitions by turns."""
    index, offset, done, at, i = [0] * 4, [0] * 4, [], 0, 0
    while at < len(errors):
        count, partition = sizes[i % len(sizes)], i % 4
        part = bytes(errors[at : at + count])
        version = versions[at] if versions else 1
        done.append(
            DriftPartial(
                tenant="default",
                stream="",
                device_id="",
                partition=partition,
                offset=offset[partition],
                first_index=index[partition],
                count=len(part),
                errors=part,
                model_version=version,
            )
        )
        index[partition] += len(part)
        offset[partition] += 1
        at, i = at + len(part), i + 1
    return done


def risen(seed: int, count: int = 3000) -> list[int]:
    draw = Random(seed)
    return [int(draw.random() < (0.1 if i < count // 2 else 0.4)) for i in range(count)]


def fold(pool: ErrorPool, partials: list[DriftPartial]) -> list[ErrorAlarm]:
    return [alarm for partial in partials for alarm in pool.fold(partial)]


@settings(max_examples=25)
@given(st.integers(0, 1000), st.lists(st.integers(1, 90), min_size=1, max_size=9))
def test_alarms_are_those_of_one_detector_over_all_rows_in_order(seed: int, sizes: list[int]) -> None:
    errors = risen(seed)
    alarms = fold(ErrorPool(Rules()), error_partials(errors, sizes))
    plain, expected = ADWIN(), []
    for row, error in enumerate(errors, 1):
        before = plain.estimation
        plain.update(error)
        if plain.drift_detected:
            expected.append((row, plain.estimation > before))
    assert [(alarm.row, alarm.change.rising) for alarm in alarms] == expected
    assert any(alarm.change.rising and 1500 < alarm.row < 1800 for alarm in alarms)
    assert {alarm.detector for alarm in alarms} == {"ADWIN(stream)"}


def test_positions_tell_where_each_partition_stood_right_after_the_row() -> None:
    partials = error_partials(risen(1), [7, 20, 13])
    for alarm in fold(ErrorPool(Rules()), partials):
        stood: dict[int, Position] = {}
        rows = 0
        for p in partials:
            taken = min(p.count, alarm.row - rows)
            if taken:
                stood[p.partition] = Position(partition=p.partition, offset=p.offset + (taken == p.count), index=p.first_index + taken)
            rows += taken
        assert alarm.positions == tuple(stood[partition] for partition in sorted(stood))


def test_a_repeated_partial_changes_nothing() -> None:
    once, twice = ErrorPool(Rules()), ErrorPool(Rules())
    partials = error_partials(risen(2), [31])
    alarms = fold(once, partials)
    again = [alarm for partial in partials for alarm in twice.fold(partial) + twice.fold(partial)]
    assert alarms == again
    assert once.snapshot("t", "s") == twice.snapshot("t", "s")


@settings(max_examples=15)
@given(st.sampled_from(["ADWIN", "DDM", "HDDM_A", "PageHinkley"]), st.sets(st.integers(0, 40), max_size=5), st.integers(0, 100))
def test_a_pool_that_is_restored_in_mid_stream_goes_on_as_if_nothing_had_been(name: str, restarts: set[int], seed: int) -> None:
    rules = Rules(errors=DetectorSpec(name), scopes=(VERSION, STREAM))
    versions = [1 + i // 350 for i in range(1000)]
    partials = error_partials(risen(seed, 1000), [25], versions)
    kept, pool = ErrorPool(rules), ErrorPool(rules)
    for i, partial in enumerate(partials):
        if i in restarts:
            pool = ErrorPool(rules, DetectorState.from_dict(pool.snapshot("t", "s").as_dict()))
        assert kept.fold(partial) == pool.fold(partial)
    assert kept.snapshot("t", "s") == pool.snapshot("t", "s")


def test_rows_that_no_model_answered_count_but_feed_no_detector() -> None:
    errors = risen(3)
    plain = fold(ErrorPool(Rules()), error_partials(errors, [50]))
    warm = DriftPartial(tenant="default", stream="", device_id="", count=1000, errors=bytes([2] * 1000), partition=9)
    later = fold(ErrorPool(Rules()), [warm, *error_partials(errors, [50])])
    assert [alarm.row for alarm in later] == [alarm.row + 1000 for alarm in plain]


def test_the_detector_of_a_version_starts_new_with_it_and_leaves_out_what_older_versions_answer_later() -> None:
    rules = Rules(scopes=(VERSION,))
    draw = Random(5)
    good = [int(draw.random() < 0.1) for _ in range(1000)]
    bad = [int(draw.random() < 0.5) for _ in range(1000)]
    assert fold(ErrorPool(rules), error_partials(good + bad, [50], [1] * 2000))
    assert not fold(ErrorPool(rules), error_partials(good + bad, [50], [1] * 1000 + [2] * 1000))
    mixed = [v for pair in zip([2] * 20, [1] * 20, strict=True) for v in pair for _ in range(50)]
    errors = [error for i in range(20) for error in good[50 * i : 50 * i + 50] + bad[50 * i : 50 * i + 50]]
    only = fold(ErrorPool(rules), error_partials([e for e, v in zip(errors, mixed, strict=True) if v == 2], [50], [2] * 1000))
    assert len(fold(ErrorPool(rules), error_partials(errors, [50], mixed))) == len(only) == 0


def test_the_detector_of_the_stream_notices_a_version_that_is_bad_from_its_first_row() -> None:
    draw = Random(6)
    errors = [int(draw.random() < (0.1 if i < 1000 else 0.5)) for i in range(2000)]
    assert fold(ErrorPool(Rules(scopes=(STREAM,))), error_partials(errors, [50], [1] * 1000 + [2] * 1000))


@pytest.mark.parametrize("name", ["DDM", "HDDM_A", "HDDM_W"])
def test_other_detectors_tell_that_the_error_rose(name: str) -> None:
    alarms = fold(ErrorPool(Rules(errors=DetectorSpec(name))), error_partials(risen(7), [50]))
    assert any(alarm.change.rising and alarm.row > 1500 for alarm in alarms)


def blocks_of(rows: np.ndarray) -> list[DriftPartial]:
    sums = rows.reshape(-1, 50, rows.shape[1]).sum(axis=1)
    present = (50,) * rows.shape[1]
    return [
        DriftPartial(
            tenant="default",
            stream="",
            device_id="",
            kind=PartialKind.FEATURES,
            offset=i,
            count=50,
            sums=tuple(block.tolist()),
            present=present,
        )
        for i, block in enumerate(sums)
    ]


def input_alarms(pool: InputPool, partials: list[DriftPartial]) -> list[InputAlarm]:
    return [alarm for partial in partials for alarm in pool.fold(partial)]


def features(seed: int, rows: int) -> np.ndarray:
    """Stationary features of several shapes: normal, skewed, rare, constant, and different from device to device."""
    draw = np.random.default_rng(seed)
    return np.column_stack(
        [
            draw.normal(size=(rows, 8)),
            draw.exponential(size=(rows, 4)) ** 2,
            draw.random((rows, 6)) < 0.02,
            draw.random((rows, 2)) < 0.0005,
            np.ones(rows),
            draw.normal(size=rows) + np.arange(rows) // 50 % 4,
        ]
    ).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_stationary_inputs_raise_no_alarm(seed: int) -> None:
    assert input_alarms(InputPool(Rules()), blocks_of(features(seed, 40_000))) == []


def test_a_shifted_feature_is_told_within_some_blocks_and_no_other() -> None:
    rows = features(1, 20_000)
    rows[10_000:, 3] -= 0.7
    (alarm,) = input_alarms(InputPool(Rules()), blocks_of(rows))
    assert (alarm.feature, alarm.change.rising) == (3, False)
    assert 10_000 < alarm.row <= 10_700
    assert alarm.change.before == pytest.approx(0, abs=0.02)
    assert alarm.change.after == pytest.approx(-0.7, abs=4 / math.sqrt(50 * alarm.change.since))


def test_a_constant_feature_that_starts_to_move_is_told() -> None:
    rows = features(2, 20_000)
    rows[10_000:, 20] = 2
    assert {alarm.feature for alarm in input_alarms(InputPool(Rules()), blocks_of(rows))} == {20}


def test_input_detectors_that_are_restored_go_on_and_skip_repeats() -> None:
    rows = features(3, 5000)
    rows[2500:, :5] += 1
    kept, pool = InputPool(Rules()), InputPool(Rules())
    for partial in blocks_of(rows):
        pool = InputPool(Rules(), DetectorState.from_dict(pool.snapshot("t", "s").as_dict()))
        alarms = kept.fold(partial)
        assert alarms == pool.fold(partial)
        assert pool.fold(partial) == []
    assert kept.snapshot("t", "s") == pool.snapshot("t", "s")
    assert pool.observed == 5000


def test_a_feature_that_is_mostly_missing_is_left_out_of_a_block() -> None:
    pool = InputPool(Rules())
    pool.fold(
        DriftPartial(tenant="default", stream="", device_id="", kind=PartialKind.FEATURES, count=50, sums=(1.0, 1.0), present=(25, 50))
    )
    assert [watch.count for watch in pool._watches] == [0, 1]


def test_snapshots_of_many_features_stay_small() -> None:
    pool = InputPool(Rules())
    input_alarms(pool, blocks_of(np.random.default_rng(0).normal(size=(2000, 50))))
    assert sum(len(data) for data in pool.snapshot("t", "s").detectors.values()) < 5500


def test_a_change_that_an_adapter_hides_is_told_of_the_version_alone() -> None:
    draw, rows = Random(8), 3000
    errors = [int(draw.random() < 0.1) for _ in range(rows)]
    alone = [int(draw.random() < 0.5) if i > rows // 2 else error for i, error in enumerate(errors)]
    partials = [
        replace(partial, errors_alone=bytes(alone[partial.first_index : partial.first_index + partial.count]))
        for partial in (
            DriftPartial(
                tenant="default",
                stream="",
                device_id="",
                first_index=i,
                offset=i // 50,
                count=50,
                errors=bytes(errors[i : i + 50]),
                model_version=1,
            )
            for i in range(0, rows, 50)
        )
    ]
    (alarm,) = fold(ErrorPool(Rules(scopes=(STREAM, ALONE))), partials)
    assert (alarm.detector, alarm.scope, alarm.change.rising) == ("ADWIN(alone)", "alone", True)
    assert rows // 2 < alarm.row < rows // 2 + 100
    assert fold(ErrorPool(Rules(scopes=(STREAM,))), partials) == []


def test_where_no_adapter_answers_one_signal_says_it() -> None:
    partials = error_partials(risen(1), [50])
    alarms = fold(ErrorPool(Rules(scopes=(STREAM, ALONE))), partials)
    assert {alarm.scope for alarm in alarms} == {"stream"}
    assert {alarm.scope for alarm in fold(ErrorPool(Rules(scopes=(ALONE,))), partials)} == {"alone"}
