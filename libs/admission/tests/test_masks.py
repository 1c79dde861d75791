"""Values that must not leave a device as they are."""

from __future__ import annotations

import numpy as np
import pytest
from edgeloop_admission import Rows, Rules, complaints, judge, mask
from edgeloop_admission.masks import PSEUDONYMS, is_pseudonym, mask_again
from edgeloop_contracts import Feature, Mask, ObservationBatch, StreamDefinition
from hypothesis import given
from hypothesis import strategies as st

DEFINITION = StreamDefinition(
    tenant="acme",
    stream="pumps",
    features=(
        Feature(name="flow", minimum=0.0, maximum=100.0),
        Feature(name="owner", pii=True, nullable=False, maximum=1e6),
        Feature(name="place", local_only=True, nullable=False),
        Feature(name="age", mask=Mask.BUCKETS, bucket=10.0, minimum=0.0, maximum=98.0),
    ),
)
RAW, DOOR = Rules.of(DEFINITION, masked=False), Rules.of(DEFINITION)
SALT = b"s" * 32
FLOATS = st.floats(width=32)


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


def batch(values: np.ndarray) -> ObservationBatch:
    return ObservationBatch(
        boot_epoch=0, first_seq=-1, tenant="acme", stream="pumps", device_id="p1", count=len(values), features=values.tobytes()
    )


def test_what_a_device_masks_ingestion_lets_in_as_it_is() -> None:
    masked = mask(rows([50, 31337, 7, 97.9], [50, 31338, 7, 0]), RAW, SALT)
    assert masked[:, 0].tolist() == [50, 50] and np.isnan(masked[:, 2]).all() and masked[:, 3].tolist() == [100, 0]
    assert is_pseudonym(masked[:, 1]).all() and masked[0, 1] != masked[1, 1]
    verdict = judge(batch(masked), DOOR)
    assert verdict.valid.all() and verdict.masked == 0 and verdict.batch.features == masked.tobytes()


def test_pseudonyms_are_stable_and_others_with_another_salt_feature_or_stream() -> None:
    one = rows([1, 31337, 0, 0], [2, -0.0, 0, 0], [2, 0.0, 0, 0])
    told = mask(one, RAW, SALT)[:, 1]
    assert told.tolist() == mask(one[::-1].copy(), RAW, SALT)[::-1, 1].tolist() and told[1] == told[2]
    assert told[0] != mask(one, RAW, b"t" * 32)[0, 1]
    other = StreamDefinition(tenant="acme", stream="fans", features=DEFINITION.features)
    assert told[0] != mask(one, Rules.of(other), SALT)[0, 1]


def test_values_that_come_unmasked_by_another_door_are_dropped_or_put_into_their_buckets() -> None:
    verdict = judge(batch(rows([50, 31337, 7, 38], [101, 31337, 7, 38])), DOOR)
    assert verdict.valid.tolist() == [True, False] and verdict.masked == 2
    values = np.frombuffer(verdict.batch.features, "<f4").reshape(2, 4)
    assert np.isnan(values[:, 1:3]).all() and values[:, 3].tolist() == [40, 40]


def test_a_device_looks_at_values_as_they_came_and_tells_none_that_is_masked() -> None:
    found = complaints(Rows(rows([50, 2e6, np.inf, 38], [50, 5, 7, 99], [50, np.nan, 7, 38], [50, 5, np.nan, 38])), RAW)
    assert sorted(found) == [0, 1, 2]
    assert all("which is not told as the feature is masked" in one.message for one in found.values())
    assert "2e+06" not in found[0].message and "99" not in found[1].message


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS, FLOATS), min_size=1, max_size=5), st.floats(1e-6, 3e38))
def test_masking_again_changes_nothing(values: list[tuple[float, ...]], bucket: float) -> None:
    features = (*DEFINITION.features[:3], Feature(name="age", mask=Mask.BUCKETS, bucket=bucket))
    rules = Rules.of(StreamDefinition(tenant="default", stream="", features=features), masked=False)
    given_rows = np.array(values, np.float32)
    given_rows[~np.isfinite(given_rows)] = np.nan
    masked = mask(given_rows, rules, SALT)
    assert np.array_equal(masked, mask_again(masked, rules), equal_nan=True)
    assert np.array_equal(masked, masked.astype(np.float64).astype(np.float32), equal_nan=True) and not np.isinf(masked).any()


@pytest.mark.parametrize("value", [0, -PSEUDONYMS + 1, -2 * PSEUDONYMS, PSEUDONYMS, -PSEUDONYMS * 4, np.nan, np.inf, -np.inf])
def test_hardly_any_measured_value_looks_like_a_pseudonym(value: float) -> None:
    assert not is_pseudonym(np.array([value], np.float32))[0]
