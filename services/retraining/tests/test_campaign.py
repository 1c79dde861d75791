from random import Random

from edgeloop_contracts import CampaignState, Cause, GateKind, Occasion
from edgeloop_retraining.core.campaign import Alarm, Command, Counted, Detected, FirstFitFailed, Fit, Happening, decide, under_policy
from edgeloop_retraining.core.policy import Policy
from hypothesis import given
from hypothesis import strategies as st

CAUSE = Cause(id="c", correlation="c", at="drift.signals/0/1")
PLAIN = Policy(stages=(100, 300), quiet=(), budget=0)


def play(policy: Policy, *events: Happening, state: CampaignState | None = None) -> tuple[CampaignState, list[Fit]]:
    state, fits = state or CampaignState(), []
    for event in events:
        state, done = decide(policy, state, event)
        fits += done
    return state, fits


def rows(n: int) -> tuple[Happening, Happening]:
    return Counted(n, 1), Detected(n)


def windows(fits: list[Fit]) -> list[tuple[str, int, int, int]]:
    return [(fit.reason.campaign, fit.reason.stage, fit.start, fit.end) for fit in fits]


def test_an_alarm_leads_to_one_fit_a_stage_on_the_rows_since() -> None:
    _, fits = play(PLAIN, *rows(900), Alarm("a", 1000, CAUSE), *rows(1500))
    assert windows(fits) == [("a", 0, 1000, 1100), ("a", 1, 1000, 1300)]
    assert [fit.gate_until for fit in fits] == [1300, 1500]
    assert {fit.gate for fit in fits} == {GateKind.CHAMPION}
    assert fits[0].reason.cause == CAUSE


def test_a_gate_ends_when_the_next_fit_is_due() -> None:
    _, fits = play(Policy(stages=(100, 150), quiet=(), gate=200), Alarm("a", 1000, CAUSE), *rows(1500))
    assert [fit.gate_until for fit in fits] == [1150, 1350]


def test_nothing_is_due_before_both_the_rows_and_detection_have_come_that_far() -> None:
    state, fits = play(PLAIN, Alarm("a", 1000, CAUSE), Counted(1200, 1))
    assert not fits
    state, fits = play(PLAIN, Detected(1099), state=state)
    assert not fits
    state, fits = play(PLAIN, Detected(1100), state=state)
    assert windows(fits) == [("a", 0, 1000, 1100)]


def test_a_signal_that_comes_long_after_its_rows_leads_to_the_same_fit() -> None:
    _, early = play(PLAIN, Alarm("a", 1000, CAUSE), *rows(1100), *rows(1500))
    _, late = play(PLAIN, Counted(1500, 1), Alarm("a", 1000, CAUSE), Detected(1500))
    assert early == late


def test_an_alarm_restarts_an_open_campaign() -> None:
    _, fits = play(PLAIN, Alarm("a", 1000, CAUSE), *rows(1100), Alarm("b", 1200, CAUSE), *rows(2000))
    assert windows(fits) == [("a", 0, 1000, 1100), ("b", 0, 1200, 1300), ("b", 1, 1200, 1500)]


def test_an_alarm_at_the_row_of_a_stage_comes_first() -> None:
    _, fits = play(PLAIN, Alarm("a", 1000, CAUSE), Alarm("b", 1100, CAUSE), *rows(1150))
    assert not fits


def test_two_detectors_that_alarm_at_one_row_open_one_campaign() -> None:
    _, fits = play(PLAIN, Alarm("a", 1000, CAUSE), Alarm("b", 1000, CAUSE), *rows(2000))
    assert [fit.reason.campaign for fit in fits] == ["a", "a"]


def test_an_alarm_can_be_told_to_leave_an_open_campaign_alone() -> None:
    policy = Policy(stages=(100, 300), quiet=(), on_open="ignore")
    _, fits = play(policy, Alarm("a", 1000, CAUSE), Alarm("b", 1200, CAUSE), Alarm("c", 1301, CAUSE), *rows(2000))
    assert [fit.reason.campaign for fit in fits] == ["a", "a", "c", "c"]


def test_alarms_within_the_cool_down_are_ignored() -> None:
    _, fits = play(Policy(stages=(100, 300), quiet=(), cooldown=200), Alarm("a", 1000, CAUSE), Alarm("b", 1199, CAUSE), *rows(2000))
    assert [fit.reason.campaign for fit in fits] == ["a", "a"]


def test_a_repeated_alarm_or_command_changes_nothing() -> None:
    state, _ = play(PLAIN, Command("c", 500, CAUSE), *rows(600), Alarm("a", 1000, CAUSE), *rows(1050))
    for event in (Alarm("a", 1000, CAUSE), Command("c", 500, CAUSE), Command("c", 9000, CAUSE), *rows(1050)):
        assert decide(PLAIN, state, event) == (state, [])
    waiting, _ = play(PLAIN, Alarm("a", 2000, CAUSE), state=state)
    assert decide(PLAIN, waiting, Alarm("a", 2000, CAUSE)) == (waiting, [])


def test_a_command_waits_for_its_rows_and_the_first_model_only_has_to_beat_the_majority() -> None:
    state, fits = play(Policy(), Command("c", 500, CAUSE), Counted(499), Detected(499))
    assert not fits
    _, fits = play(Policy(), Counted(560), Detected(560), state=state)
    assert windows(fits) == [("c", 0, 0, 500)]
    assert fits[0].gate == GateKind.MAJORITY


def test_a_command_when_a_model_answers_has_to_beat_that_model() -> None:
    _, fits = play(Policy(), Counted(900), Counted(1000, 901), Detected(1000), Command("c", 0, CAUSE))
    assert windows(fits) == [("c", 0, 0, 1000)]
    assert fits[0].gate == GateKind.CHAMPION


def test_the_seed_of_a_command_goes_with_every_later_fit() -> None:
    _, fits = play(PLAIN, Command("c", 500, CAUSE, seed=7), *rows(600), Alarm("a", 1000, CAUSE), *rows(1500))
    assert {fit.seed for fit in fits} == {7}
    assert len(fits) > 1


def test_a_command_takes_the_newest_rows_only() -> None:
    _, fits = play(Policy(window=300), *rows(1000), Command("c", 0, CAUSE))
    assert windows(fits) == [("c", 0, 700, 1000)]


def test_a_command_that_names_no_rows_waits_for_some() -> None:
    _, fits = play(Policy(first=200), Command("c", 0, CAUSE), Counted(150), Detected(150), Counted(300), Detected(300))
    assert windows(fits) == [("c", 0, 0, 200)]


def test_quiet_fits_follow_a_command_until_an_alarm_comes() -> None:
    policy = Policy(stages=(100,), quiet=(1000,))
    _, fits = play(policy, Command("c", 500, CAUSE), Counted(500), Counted(5000, 501), Alarm("a", 3000, CAUSE), Detected(5000))
    assert windows(fits) == [
        ("c", 0, 0, 500),
        ("c", 1, 500, 1500),
        ("c", 2, 500, 2500),
        ("a", 0, 3000, 3100),
        ("a", 1, 3000, 4000),
        ("a", 2, 3000, 5000),
    ]


def test_a_command_does_not_end_an_open_campaign() -> None:
    _, fits = play(PLAIN, Alarm("a", 1000, CAUSE), *rows(1200), Command("c", 0, CAUSE), *rows(1400))
    assert windows(fits) == [("a", 0, 1000, 1100), ("c", 0, 0, 1200), ("a", 1, 1000, 1300)]
    assert fits[1].gate_until == 1300


def test_a_first_fit_that_came_to_nothing_is_repeated_at_double_the_rows() -> None:
    again = Cause(id="run", at="training.runs/0/0")
    state, _ = play(
        Policy(), Command("x~y", 500, CAUSE), Counted(600), Detected(600), FirstFitFailed("x~y", again), FirstFitFailed("x~y", again)
    )
    state, fits = play(Policy(), Counted(1200), Detected(1200), state=state)
    assert windows(fits) == [("x~y~2", 0, 0, 1000)]
    assert fits[0].reason.cause == again
    _, fits = play(Policy(), FirstFitFailed("x~y~2", again), Counted(2500), Detected(2500), state=state)
    assert windows(fits) == [("x~y~3", 0, 0, 2000)]


def test_a_failed_fit_is_not_repeated_once_a_model_answers() -> None:
    state, _ = play(PLAIN, Command("c", 500, CAUSE), Counted(600, 550), Detected(600))
    assert decide(PLAIN, state, FirstFitFailed("c", CAUSE)) == (state, [])


def test_a_stage_beyond_the_budget_is_left_out_and_a_command_is_not() -> None:
    policy = Policy(stages=(10, 20, 30), quiet=(), budget=1000, burst=2)
    _, fits = play(policy, Alarm("a", 1000, CAUSE), *rows(1100), Command("c", 0, CAUSE))
    assert windows(fits) == [("a", 0, 1000, 1010), ("a", 1, 1000, 1020), ("c", 0, 0, 1100)]


def oracle(policy: Policy, command: int, alarms: set[int], total: int) -> list[tuple[int, int, int]]:
    """Row by row, as one would do it by hand; gives (stage, start, end)."""
    fits, opened, stage, quiet_only, spent = [], None, 0, False, 0.0
    for n in range(1, total + 1):
        spent = max(0.0, spent - 1 / policy.budget)
        if n in alarms:
            opened, stage, quiet_only = n, 0, False
        if n == command:
            fits.append((0, max(0, n - policy.window), n))
            if opened is None:
                opened, stage, quiet_only = n, 1, True
        if opened is None:
            continue
        due = ([0] if quiet_only else list(policy.stages)) + list(policy.quiet)
        while len(due) <= stage:
            due.append(2 * due[-1])
        if n == opened + due[stage]:
            if spent + 1 <= policy.burst + 1e-9:
                spent += 1
                fits.append((stage, max(opened, n - policy.window), n))
            stage += 1
    return fits


@given(st.sets(st.integers(1, 3000), max_size=12), st.integers(1, 500), st.integers(0, 2**32))
def test_campaigns_are_what_one_would_work_out_row_by_row(alarms: set[int], command: int, seed: int) -> None:
    random = Random(seed)
    policy = Policy(stages=(20, 60, 200), quiet=(500,), window=600, budget=100, burst=6)
    alarms = {row for row in alarms if row > command}
    state, fits, sent, known, detected = CampaignState(), [], 0, 0, 0
    state, done = decide(policy, state, Command("c", command, CAUSE))
    while known < 3500 or detected < 3500:
        if random.random() < 0.5:
            known = min(3500, known + random.randint(1, 900))
            event: Happening = Counted(known, 1)
            state, done = decide(policy, state, event)
        else:
            detected = min(3500, detected + random.randint(1, 900))
            done = []
            for row in sorted(row for row in alarms if sent < row <= detected):
                state, more = decide(policy, state, Alarm(f"a{row}", row, CAUSE))
                done += more
            sent = detected
            state, more = decide(policy, state, Detected(detected))
            done += more
        fits += done
    assert [(fit.reason.stage, fit.start, fit.end) for fit in fits] == oracle(policy, command, alarms, 3500)


def test_under_another_policy_a_campaign_goes_on_with_the_fits_that_are_still_to_come() -> None:
    state, fits = play(PLAIN, *rows(900), Alarm("a", 1000, CAUSE), *rows(1200))
    other = Policy(stages=(50, 150, 180, 400), quiet=(), budget=0)
    _, more = play(other, *rows(1500), state=under_policy(other, state))
    assert windows(fits + more) == [("a", 0, 1000, 1100), ("a", 3, 1000, 1400)]


def test_a_campaign_that_has_nothing_to_come_under_another_policy_is_closed() -> None:
    state, _ = play(PLAIN, *rows(900), Alarm("a", 1000, CAUSE), *rows(1200))
    assert under_policy(Policy(stages=(50,), quiet=()), state).campaign is None


@given(st.lists(st.integers(1, 900), unique=True, max_size=6), st.integers(0, 900))
def test_the_same_policy_adopted_again_changes_nothing(alarms: list[int], until: int) -> None:
    policy = Policy(stages=(10, 30), quiet=(80,), budget=100)
    happened = [Command("c", 5, CAUSE), *(Alarm(f"a{row}", row, CAUSE) for row in alarms), *rows(until)]
    state, _ = play(policy, *happened)
    assert under_policy(policy, state) == state


def test_versions_that_got_worse_below_their_adapter_open_a_campaign_and_leave_an_open_one_alone() -> None:
    _, fits = play(PLAIN, Alarm("a", 1000, CAUSE, alone=True), Alarm("b", 1050, CAUSE, alone=True), *rows(2000))
    assert windows(fits) == [("a", 1, 1000, 1300)], "the first stage's few rows are not worth a version while adapters answer"
    _, fits = play(Policy(stages=(100,), quiet=()), Alarm("a", 1000, CAUSE, alone=True), *rows(1200))
    assert windows(fits) == [("a", 0, 1000, 1100)], "but where there is no other"
    _, fits = play(PLAIN, Alarm("a", 1000, CAUSE), Alarm("b", 1050, CAUSE, alone=True), Alarm("c", 1200, CAUSE), *rows(1400))
    assert windows(fits) == [("a", 0, 1000, 1100), ("c", 0, 1200, 1300)]


def test_a_fit_says_whether_a_signal_its_silence_or_a_person_asks() -> None:
    policy = Policy(stages=(100, 300), quiet=(1000,), budget=0)
    _, fits = play(policy, Command("c", 500, CAUSE), *rows(1600), Alarm("a", 2000, CAUSE), *rows(4100))
    assert [(fit.reason.occasion, fit.reason.opened, fit.end) for fit in fits] == [
        (Occasion.COMMAND, 500, 500),
        (Occasion.QUIET, 500, 1500),
        (Occasion.DRIFT, 2000, 2100),
        (Occasion.DRIFT, 2000, 2300),
        (Occasion.QUIET, 2000, 3000),
        (Occasion.QUIET, 2000, 4000),
    ]
