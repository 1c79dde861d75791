import doctest
from dataclasses import replace

import edgeloop_cli.core.event_text
import edgeloop_cli.core.lineage
import pytest
from edgeloop_cli.core.event_text import plain, set_fields
from edgeloop_cli.core.lineage import facts, shown, title
from edgeloop_contracts import EVENTS, DriftSignal, Label, Occasion, TrainingRequest
from edgeloop_kafka import default_event


@pytest.mark.parametrize("module", ["lineage", "event_text"])
def test_the_examples_in_the_documentation_hold(module: str):
    assert doctest.testmod(getattr(edgeloop_cli.core, module)).failed == 0


def test_every_event_has_a_title_and_facts():
    for kind in EVENTS:
        assert title(default_event(kind))
        assert all(shown(value) is not None for value in facts(default_event(kind)).values())


def test_bytes_that_are_no_text_are_shown_as_digits():
    assert plain({"a": b"{}", "b": b"\x00\xff"}) == {"a": "{}", "b": "0x00ff"}


def test_fields_at_their_default_are_left_out():
    assert set_fields(Label(tenant="default", device_id="", stream="s", seq=4)) == {"stream": "s", "seq": 4}


def test_a_signal_tells_what_changed_from_what_to_what():
    told_facts = facts(DriftSignal(tenant="default", stream="", detector="ADWIN", row=12, before=0.1, after=0.4, model_version=3))
    assert told_facts["error rate"] == "0.1 → 0.4"
    assert (told_facts["row"], told_facts["model_version"]) == (12, 3)


def test_signals_and_fits_are_told_in_plain_words():
    signal = DriftSignal(tenant="default", stream="", detector="ADWIN(alone)", scope="alone", rising=True, since=96)
    assert title(signal) == "drift: ADWIN(alone) saw that the errors of versions without their adapter rose"
    assert facts(signal)["over"] == "the newest 96 answers"
    fit = TrainingRequest(tenant="default", stream="", stage=1, row=1_600, opened=1_000, occasion=Occasion.DRIFT)
    assert title(fit) == "retraining asked for a fit, stage 2 of a campaign, 600 rows after its signal"
    assert title(replace(fit, row=6_000, occasion=Occasion.QUIET)) == "retraining asked for a quiet fit: 5,000 rows without another signal"
