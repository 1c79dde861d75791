"""A run's account of a drift signal and its effects."""

from dataclasses import replace

from edgeloop_cli.core.story import from_drift, story
from edgeloop_contracts import Occasion
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.report import cause_of, signal_to_serving

KEYS = {"default/s/s-d0", "default/s/s-d1"}


def occasion(ledger: Ledger, occasion: Occasion) -> None:
    timed = ledger.requests["sig/0"]
    ledger.requests["sig/0"] = replace(timed, event=replace(timed.event, occasion=occasion))


def test_a_version_that_a_signal_led_to_is_told_from_the_signal_to_the_devices(ledger: Ledger) -> None:
    assert story(ledger, KEYS) == [
        ("signal", "ADWIN at row 5: the errors of the stream rose from 0.10 to 0.60, over the newest 3 answers"),
        ("campaign", "fits 1 rows after it: version 2"),
        (
            "version",
            (
                "2, trained on the 3 rows since the signal; promoted at row 7, as on 0 rows after its fit it was right 0 times "
                "where the majority class was wrong, and wrong 0 times where that was right"
            ),
        ),
        ("devices", "all 2 serve it, from row 8 on"),
    ]


def test_a_device_that_has_not_come_so_far_is_not_counted(ledger: Ledger) -> None:
    assert dict(story(ledger, KEYS | {"default/s/s-d2"}))["devices"] == "2 of 3 have served it: s-d0, s-d1"


def test_a_quiet_fit_is_no_signals_version_though_its_campaign_is(ledger: Ledger) -> None:
    occasion(ledger, Occasion.QUIET)
    assert from_drift(ledger) == 0
    assert story(ledger, KEYS) == [("signal", "none led to a version in these rows")]
    assert cause_of(ledger, ledger.versions[2].event) == "no signal (quiet), at row 6"
    assert signal_to_serving(ledger, KEYS) == []
