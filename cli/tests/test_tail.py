"""Messages of `edgeloop tail` about kinds and topics."""

from __future__ import annotations

import pytest
from edgeloop_cli.errors import RefusedError
from edgeloop_cli.tail import _check_kind, _empty_message
from edgeloop_contracts import topics


@pytest.mark.parametrize("kind", ["Driftsignal", "ObservationBatch", "x"])
def test_a_kind_that_a_topic_does_not_carry_is_refused_with_those_that_it_carries(kind: str) -> None:
    with pytest.raises(RefusedError, match=f"--kind: drift.signals carries no '{kind}'; it carries DriftSignal, "):
        _check_kind(topics.DRIFT_SIGNALS, kind)


@pytest.mark.parametrize("kind", ["", "DriftSignal", "edgeloop.drift.DriftSignal"])
def test_a_kind_may_be_named_in_short_or_in_full(kind: str) -> None:
    _check_kind(topics.DRIFT_SIGNALS, kind)


def test_of_an_empty_topic_it_says_so() -> None:
    assert _empty_message("drift.signals", "", 0, follow=False) == "drift.signals has no records"
    assert _empty_message("drift.signals", "", 0, follow=True) == "drift.signals has no records; waiting for new ones"
    assert _empty_message("drift.signals", "DriftSignal", 7, follow=False) == "drift.signals has no DriftSignal, only 7 other records"
