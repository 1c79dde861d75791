import random

import pytest
from edgeloop_drift.core.detectors import DETECTORS, DetectorSpec
from edgeloop_drift.core.snapshots import SnapshotError, dump, load
from hypothesis import given, settings
from hypothesis import strategies as st

SPECS = [DetectorSpec(name) for name in DETECTORS] + [
    DetectorSpec("ADWIN", {"delta": 0.2, "clock": 1, "max_buckets": 3}),
    DetectorSpec("HDDM_W", {"two_sided_test": True}),
    DetectorSpec("PageHinkley", {"threshold": 5.0}),
]

QUICK = [spec for spec in SPECS if spec.name != "KSWIN"]


def errors(seed: int, count: int) -> list[int]:
    """Errors whose rate rises halfway."""
    draw = random.Random(seed)
    return [int(draw.random() < (0.1 if i < count // 2 else 0.6)) for i in range(count)]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_restored_detector_goes_on_to_the_byte(spec: DetectorSpec) -> None:
    kept, alarms = spec.make(), 0
    restored = spec.make()
    for i, error in enumerate(errors(3, 260 if spec.name == "KSWIN" else 900)):  # KSWIN takes a millisecond a row
        if i % 13 == 0:
            restored = load(dump(restored, spec), spec)
        kept.update(error)
        restored.update(error)
        assert kept.drift_detected == restored.drift_detected
        alarms += kept.drift_detected
        assert dump(kept, spec) == dump(restored, spec)
    assert alarms


@settings(max_examples=30)
@given(st.sampled_from(QUICK), st.integers(0, 400), st.integers(0, 10_000))
def test_a_snapshot_is_the_same_wherever_it_was_taken(spec: DetectorSpec, at: int, seed: int) -> None:
    kept, restored = spec.make(), spec.make()
    for i, error in enumerate(errors(seed, 400)):
        if i == at:
            restored = load(dump(restored, spec), spec)
        kept.update(error)
        restored.update(error)
    assert dump(kept, spec) == dump(restored, spec)


def test_other_parameters_start_anew() -> None:
    data = dump(DetectorSpec("ADWIN").make(), DetectorSpec("ADWIN"))
    assert load(data, DetectorSpec("ADWIN", {"delta": 0.01})) is None
    assert load(data, DetectorSpec("DDM")) is None


@settings(max_examples=100)
@given(st.sampled_from(QUICK), st.integers(0, 10_000), st.data())
def test_damaged_bytes_are_refused_or_harmless_and_never_reach_compiled_code_unchecked(
    spec: DetectorSpec, seed: int, data: st.DataObject
) -> None:
    detector = spec.make()
    for error in errors(seed, 200):
        detector.update(error)
    whole = bytearray(dump(detector, spec))
    if data.draw(st.booleans()):
        whole = whole[: data.draw(st.integers(0, len(whole)))] + data.draw(st.binary(max_size=40))
    for _ in range(data.draw(st.integers(0, 3))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        load(bytes(whole), spec)
    except SnapshotError:
        return


def test_a_snapshot_of_a_long_stream_stays_small() -> None:
    spec = DetectorSpec()
    detector = spec.make()
    for error in errors(1, 20_000):
        detector.update(error)
    assert len(dump(detector, spec)) < 2500


def test_an_unknown_detector_or_parameter_is_named() -> None:
    with pytest.raises(ValueError, match="no detector is called 'Adwin'"):
        DetectorSpec("Adwin").make()
    with pytest.raises(ValueError, match="ADWIN"):
        DetectorSpec("ADWIN", {"deltas": 1}).make()


def test_watching_many_features_makes_each_detector_less_eager() -> None:
    assert DetectorSpec("ADWIN", {"delta": 0.01}).shared_by(50).make().delta == pytest.approx(0.0002)
    assert DetectorSpec("PageHinkley", {"delta": 0.5, "threshold": 15.0}).shared_by(50).make().threshold == pytest.approx(18.912, abs=1e-3)
    assert DetectorSpec("DDM").shared_by(50) == DetectorSpec("DDM")
