"""Levels in a signal about a known change: before and after it, within the error of so many answers."""

import math
from random import Random

import numpy as np
import pytest
from edgeloop_drift.core.detectors import DETECTORS, DetectorSpec
from edgeloop_drift.core.levels import Change, Run, of_errors
from edgeloop_drift.core.snapshots import SnapshotError
from edgeloop_drift.core.watches import ErrorWatch, InputWatch

STEADY = {"KSWIN": 300}  # rows before the change; KSWIN takes a millisecond a row
SEEDS = range(12)


def noticed(name: str, low: float, high: float, seed: int) -> tuple[Change, int] | None:
    """The first alarm after a change that goes its way, and how many rows after."""
    draw, watch, steady = Random(seed), ErrorWatch(DetectorSpec(name)), STEADY.get(name, 1500)
    for row in range(steady + 500):
        change = watch.update(int(draw.random() < (low if row < steady else high)))
        if change and row >= steady and change.rising == (high > low):
            return change, row - steady + 1
    return None


def sampling_error(rate: float, answers: int) -> float:
    return math.sqrt(rate * (1 - rate) / answers)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_change_from_one_to_six_of_ten_is_told_as_that(name: str) -> None:
    found = [one for seed in SEEDS if (one := noticed(name, 0.1, 0.6, seed))]
    assert len(found) > len(SEEDS) / 2
    for change, _ in found:
        assert change.before == pytest.approx(0.1, abs=4 * sampling_error(0.1, STEADY.get(name, 1500) // 4))
        assert change.after == pytest.approx(0.6, abs=4 * sampling_error(0.6, change.since))
    assert np.median([abs(change.since - late) for change, late in found]) <= 5, "what counts as new is what came since the change"
    # One by one they may be off by chance; on average a little above, since alarms come sooner where chance helps them.
    assert np.mean([change.after for change, _ in found]) == pytest.approx(0.6, abs=0.1)
    assert np.mean([change.before for change, _ in found]) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.2), (0.9, 0.05), (0.0, 1.0), (1.0, 0.0), (0.2, 0.35)])
@pytest.mark.parametrize("name", ["ADWIN", "PageHinkley"])
def test_other_changes_are_told_too_whichever_way_they_go(name: str, low: float, high: float) -> None:
    found = [one for seed in SEEDS if (one := noticed(name, low, high, seed))]
    assert found
    assert np.mean([change.before for change, _ in found]) == pytest.approx(low, abs=0.03)
    assert np.mean([change.after for change, _ in found]) == pytest.approx(high, abs=0.05)


def test_a_second_change_is_measured_against_the_first_ones_new_level() -> None:
    draw, watch, level = Random(3), ErrorWatch(DetectorSpec()), []
    for row in range(4500):
        rate = 0.1 if row < 1500 else 0.6 if row < 3000 else 0.3
        if change := watch.update(int(draw.random() < rate)):
            level.append(change)
    assert [change.rising for change in level] == [True, False]
    assert level[1].before == pytest.approx(0.6, abs=0.05)
    assert level[1].after == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("away", [-3.0, -0.5, 0.7, 2.0])
@pytest.mark.parametrize("name", ["PageHinkley", "ADWIN", "KSWIN"])
def test_a_shifted_input_is_told_from_its_old_mean_to_its_new_one(name: str, away: float) -> None:
    parameters = {"delta": 0.5, "threshold": 15.0, "min_instances": 1} if name == "PageHinkley" else {}
    draw, watch = np.random.default_rng(1), InputWatch(DetectorSpec(name, parameters))
    for block in range(600):
        change = watch.update(20 + float(draw.normal(0.0 if block < 200 else away, 1 / math.sqrt(50))), 20)
        if change and block >= 200:
            break
    else:
        pytest.fail("no alarm")
    assert change.before == pytest.approx(20, abs=0.05)
    assert change.after == pytest.approx(20 + away, abs=4 / math.sqrt(50 * change.since))


def test_too_few_answers_have_no_levels() -> None:
    assert of_errors(bytes(19), rising=True) is None
    assert of_errors(bytes([1] * 10 + [0] * 10), rising=True) is None


def test_a_watch_of_a_snapshot_goes_on_to_the_byte_and_one_of_an_older_layout_starts_new() -> None:
    draw, kept = Random(1), ErrorWatch(DetectorSpec())
    watch = ErrorWatch(DetectorSpec())
    for row in range(10_000):
        error = int(draw.random() < (0.1 if row < 9_000 else 0.3))
        if row % 997 == 0:
            watch = ErrorWatch.load(watch.dump(), DetectorSpec())
        assert kept.update(error) == watch.update(error)
    assert kept.dump() == watch.dump()
    older = kept.dump()[4:]
    assert ErrorWatch.load(older, DetectorSpec()).count == 0
    with pytest.raises(SnapshotError):
        ErrorWatch.load(kept.dump()[:40], DetectorSpec())


def test_a_run_that_is_too_long_to_be_counted_begins_again() -> None:
    assert Run(65_535, 3.0, 1.0).add(1.0, 1.0) == Run()
