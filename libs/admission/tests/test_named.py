from __future__ import annotations

import math

import numpy as np
import pytest
from edgeloop_admission import InadmissibleError, Rows, Rules, complaints, ordered
from edgeloop_contracts import Feature, NamedRow, StreamDefinition

DEFINITION = StreamDefinition(
    tenant="default",
    stream="pumps",
    features=(
        Feature(name="pressure", nullable=False),
        Feature(name="flow"),
        Feature(name="kind", categories=("old", "new")),
    ),
)


def row(**fields: object) -> NamedRow:
    return NamedRow.from_dict(NamedRow(tenant="default", stream="pumps", device_id="p1").as_dict() | fields)


def test_features_come_into_the_order_of_the_definition_and_texts_become_their_index() -> None:
    given = row(features={"flow": 2.0, "pressure": 1.0}, texts={"kind": "new"}, seq=7, request_id="r", event_time=5, boot_epoch=3)
    found = ordered(given, DEFINITION)
    assert found.features == (1.0, 2.0, 1.0)
    assert (found.seq, found.request_id, found.event_time, found.boot_epoch, found.device_id) == (7, "r", 5, 3, "p1")


def test_an_unknown_text_is_minus_one_and_what_is_left_out_is_missing() -> None:
    assert ordered(row(features={"pressure": 1.0, "flow": 2.0}, texts={"kind": "other"}), DEFINITION).features == (1.0, 2.0, -1.0)
    found = ordered(row(features={"pressure": 1.0}), DEFINITION).features
    assert [math.isnan(value) for value in found] == [False, True, True]
    assert ordered(row(features={"pressure": 1.0, "kind": 0.0}), DEFINITION).features[2] == 0.0


def test_a_feature_that_must_not_be_missing_is_refused_by_its_name() -> None:
    values = np.array([ordered(row(features={"flow": 1.0}), DEFINITION).features], "<f4")
    assert "feature 'pressure'" in complaints(Rows(values), Rules.of(DEFINITION))[0].message


@pytest.mark.parametrize(
    ("fields", "reason", "message"),
    [
        (
            {"features": {"presure": 1.0, "x": 2.0}},
            "UNKNOWN_FEATURE",
            "features: expected 'pressure', 'flow', 'kind', given 'presure', 'x'",
        ),
        ({"texts": {"sort": "new"}}, "UNKNOWN_FEATURE", "given 'sort'"),
        ({"features": {f"x{i}": 1.0 for i in range(9)}}, "UNKNOWN_FEATURE", "and 4 more"),
        ({"features": {"kind": 1.0}, "texts": {"kind": "new"}}, "INVALID_VALUE", "feature 'kind': expected a number or a text, given both"),
        ({"texts": {"flow": "1.5"}}, "INVALID_VALUE", "feature 'flow': expected a number, given the text '1.5'"),
    ],
)
def test_names_that_do_not_fit_are_told(fields: dict[str, object], reason: str, message: str) -> None:
    with pytest.raises(InadmissibleError) as caught:
        ordered(row(**fields), DEFINITION)
    assert caught.value.reason == reason
    assert message in caught.value.message
