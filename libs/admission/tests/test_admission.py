from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edgeloop_admission import Complaint, InadmissibleError, Rows, Rules, admitted, check_shape, complaints, device_key, judge
from edgeloop_contracts import Feature, Label, ObservationBatch, StreamDefinition
from hypothesis import given, settings
from hypothesis import strategies as st

DEFINITION = StreamDefinition(
    tenant="acme",
    stream="pumps",
    features=(
        Feature(name="pressure", nullable=False, minimum=0.0, maximum=10.0),
        Feature(name="flow"),
        Feature(name="owner", local_only=True, nullable=False),
    ),
)
RULES = Rules.of(DEFINITION)


def batch(values: list[list[float]], **fields: object) -> ObservationBatch:
    base = ObservationBatch(
        boot_epoch=0,
        first_seq=-1,
        tenant="acme",
        stream="pumps",
        device_id="p1",
        count=len(values),
        features=np.array(values, dtype="<f4").tobytes(),
    )
    return ObservationBatch.from_dict(base.as_dict() | fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 2**31}, "count: expected 1 to 2^31 - 1, given 2147483648"),
        ({"count": 0}, "count: expected 1 to 2^31 - 1, given 0"),
        ({"model_version": 2**31}, "model_version: expected 0 to 2^31 - 1, given 2147483648"),
        ({"model_version": -1}, "model_version: expected 0 to 2^31 - 1, given -1"),
        ({"adapter": 2**63}, "adapter: expected 0 to 2^63 - 1, given 9223372036854775808"),
        ({"first_seq": -2}, "first_seq: expected 0 to 2^63 - 1 - count, or -1 for none, given -2"),
        ({"first_seq": 2**63}, "first_seq: expected 0 to 2^63 - 1 - count, or -1 for none, given 9223372036854775808"),
    ],
)
def test_a_number_beyond_its_type_or_sense_is_refused_with_what_was_expected(fields: dict[str, int], message: str) -> None:
    with pytest.raises(InadmissibleError) as caught:
        check_shape(batch([[1, 2, 3]], **fields), 3)
    assert (caught.value.reason, caught.value.message) == ("INVALID_SHAPE", message)


@pytest.mark.parametrize("epoch", [-1, 2**53])
def test_an_epoch_is_bounded(epoch: int) -> None:
    with pytest.raises(InadmissibleError, match="boot_epoch: expected 0 to 2\\^53 - 1"):
        device_key(batch([[1, 2, 3]], boot_epoch=epoch))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seq": 2**63}, "seq: expected -1 to 2^63 - 1"),
        ({"seq": -2}, "seq: expected -1 to 2^63 - 1"),
        ({"event_time": 2**62}, "event_time: expected"),
        ({"label": " \t"}, "given only space"),
        ({"label": ""}, "given empty text"),
    ],
)
def test_a_label_that_cannot_be_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InadmissibleError) as caught:
        admitted(replace(Label(tenant="acme", stream="pumps", device_id="p1", seq=0, label="ok"), **fields), DEFINITION)  # type: ignore[arg-type]
    assert message in caught.value.message


def test_space_around_a_label_is_no_part_of_it() -> None:
    assert admitted(Label(tenant="default", stream="", device_id="", seq=0, label="  too hot\r\n"), DEFINITION).label == "too hot"


def test_each_bad_row_of_a_request_is_told_by_itself_and_what_is_local_is_not_looked_at() -> None:
    values = np.array([[1, 2, np.inf], [11, 2, 3], [1, 2, 3], [np.nan, 2, 3], [1, np.inf, 3]], dtype="<f4")
    told = complaints(Rows(values, [("request id", ["a", "b", "x" * 513, "d", "e"])], event_times=[0, 0, 0, 0, 10**18]), RULES)
    assert told == {
        1: Complaint("INVALID_VALUE", "feature 'pressure': expected a finite value in [0, 10], given 11"),
        2: Complaint("TOO_LARGE", "request id: expected at most 512 characters, given 513"),
        3: Complaint("INVALID_VALUE", "feature 'pressure': expected a finite value in [0, 10], given nan"),
        4: Complaint(
            "INVALID_VALUE",
            "event time: expected milliseconds since 1970, within the years 1 to 9999, given 1000000000000000000",
        ),
    }


NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 10.0, 10.5])
TEXTS = st.sampled_from(["", "r", "x" * 512, "x" * 513])


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, TEXTS, TEXTS, st.sampled_from([0, -1, 10**12, 10**17])), min_size=1, max_size=8))
def test_what_the_door_refuses_is_what_a_device_refuses_first(rows: list[tuple[float, float, float, str, str, int]]) -> None:
    values = np.array([row[:3] for row in rows], dtype="<f4")
    requests, answers, times = ([row[i] for row in rows] for i in (3, 4, 5))
    at_device = complaints(Rows(values, [("request id", requests), ("answer", answers)], times), RULES)
    sent = batch(values.tolist(), request_ids=requests, answers=answers, event_times=times)
    verdict = judge(sent, RULES)
    assert [i for i, valid in enumerate(verdict.valid) if not valid] == list(at_device)
    if at_device:
        first = min(at_device)
        assert verdict.complaint
        assert verdict.complaint.reason == at_device[first].reason
        assert at_device[first].message in verdict.complaint.message
