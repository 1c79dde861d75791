from edgeloop_contracts import AlertKind, AlertStatus
from edgeloop_monitoring.core.conditions import ConditionState, Rule, decide, open_conditions
from edgeloop_monitoring.core.measures import Measure
from edgeloop_monitoring.core.subjects import Subject
from hypothesis import given
from hypothesis import strategies as st

KIND = AlertKind.ERROR_SHARE
S = Subject("default", "s", "default", 1)
RULES = {KIND: Rule(raise_at=0.5, clear_at=0.4, raise_after_ms=10, clear_after_ms=20, samples=100, says="{value:.0%} of {samples}")}


def play(values, samples=100, states=None, start=0, step=5, subject=S):
    """Alerts told over moments that are ``step`` apart; ``None`` is a moment without a measure."""
    states, told = states or {}, []
    for n, value in enumerate(values):
        found = [] if value is None else [Measure(KIND, subject, value, samples)]
        states, new = decide(states, found, RULES, start + n * step)
        told += new
    return states, told


def test_a_value_that_stays_over_its_limit_raises_once() -> None:
    _, told = play([0.6] * 10)
    (alert,) = told
    assert (alert.status, alert.since, alert.at, alert.value, alert.threshold) == (AlertStatus.RAISED, 0, 10, 0.6, 0.5)
    assert alert.message == "60% of 100"


def test_a_short_peak_raises_nothing() -> None:
    states, told = play([0.6, 0.6, 0.3, 0.6, 0.6, 0.3])
    assert told == []
    assert states == {}


def test_few_rows_say_nothing() -> None:
    assert play([1.0] * 10, samples=99)[1] == []


def test_a_value_between_the_limits_neither_raises_nor_clears() -> None:
    assert play([0.45] * 10)[1] == []
    _, told = play([0.6] * 4 + [0.45] * 10)
    assert [a.status for a in told] == [AlertStatus.RAISED]


def test_it_clears_under_the_lower_limit_after_its_patience_with_the_same_id() -> None:
    _, (raised, cleared) = play([0.6] * 4 + [0.3] * 10)
    assert cleared.status is AlertStatus.CLEARED
    assert cleared.alert_id == raised.alert_id
    assert (cleared.since, cleared.at) == (raised.since, 20 + 20)


def test_a_subject_that_goes_is_cleared() -> None:
    _, told = play([0.6] * 4 + [None] * 6)
    assert [a.status for a in told] == [AlertStatus.RAISED, AlertStatus.CLEARED]


def test_a_new_breach_is_a_new_alert() -> None:
    _, told = play([0.6] * 4 + [0.3] * 6 + [0.6] * 4)
    assert [a.status.value for a in told] == ["RAISED", "CLEARED", "RAISED"]
    assert told[2].alert_id != told[0].alert_id


def test_a_restart_goes_on_with_what_was_told() -> None:
    before, told = play([0.6] * 4)
    restored = open_conditions(told)
    assert restored == before
    assert play([0.6] * 4, states=restored, start=20)[1] == []
    (cleared,) = play([0.3] * 6, states=restored, start=20)[1]
    assert cleared.alert_id == told[0].alert_id
    assert open_conditions([*told, cleared]) == {}


def test_whoever_sees_the_same_tells_the_same_ids_and_subjects_differ() -> None:
    assert play([0.6] * 4)[1] == play([0.6] * 4)[1]
    other = play([0.6] * 4, subject=Subject("default", "s", "default", 2))[1]
    assert other[0].alert_id != play([0.6] * 4)[1][0].alert_id


def test_a_kind_without_a_rule_is_not_judged() -> None:
    assert decide({}, [Measure(AlertKind.DRIFT, S, 9, 9)], RULES, 0) == ({}, [])


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=60))
def test_raised_and_cleared_take_turns_whatever_comes(values) -> None:
    states, told = play(values)
    assert [a.status for a in told] == [AlertStatus.RAISED if n % 2 == 0 else AlertStatus.CLEARED for n in range(len(told))]
    assert bool(len(told) % 2) == any(s.alert for s in states.values())
    assert ConditionState() not in states.values()
