"""The state machine of a trial: each phase meets each happening, and repeats change nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from edgeloop_contracts import AwaitingRegistry, Cause, Challenger, DriftPartial, GateState, ModelFile, RunStatus, TrainingRequest
from edgeloop_trainer.core.fit_result import Failed, Fitted, SearchStep
from edgeloop_trainer.core.gate import Rule, Tally
from edgeloop_trainer.core.phases import (
    Answered,
    AskRegistry,
    AwaitRows,
    BatchEnded,
    ChampionRead,
    Closing,
    Compare,
    Compared,
    Counted,
    Discard,
    Fit,
    FitEnded,
    Fitting,
    Idle,
    Lost,
    Propose,
    PublishRun,
    ReadChampion,
    Requested,
    Store,
    Stored,
    TrialState,
)
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.runs import gate_of
from edgeloop_trainer.core.trial import decide

PLAN = Plan(Recipe(), Rule(4))
CAUSE = Cause(id="cause", correlation="signal", at="training.requests/0/7")


def request(name: str, row: int, until: int) -> TrainingRequest:
    return TrainingRequest(tenant="default", stream="pumps", request_id=name, campaign="c", row=row, gate_until=until)


FIRST, SECOND = request("c/0", 100, 200), request("c/1", 150, 250)
EARLIER, LATER = (
    Challenger(file=ModelFile(digest="earlier"), classes=("a", "b")),
    Challenger(file=ModelFile(digest="later"), classes=("a", "b")),
)
FITTED = Fitted(b"onnx", "later", {}, {}, 1.0)
STORED = GateState(stream="pumps", rows=160, last_offset=5)
GATE = gate_of(FIRST, CAUSE, EARLIER, 1, 4)
WAITING = AwaitingRegistry(request_id="c/-1", digest="other")
FITTING = Fitting(SECOND, CAUSE, PLAN)
WON = ((True, False),) * 4
LOST = ((False, True),) * 100

PHASES = {
    "idle": TrialState(STORED),
    "fitting": TrialState(STORED, FITTING),
    "at the gate": TrialState(replace(STORED, gate=GATE)),
    "awaiting the registry": TrialState(replace(STORED, awaiting=WAITING)),
    "at the gate behind a candidate": TrialState(replace(STORED, gate=GATE, awaiting=WAITING)),
    "fitting beside a gate": TrialState(replace(STORED, gate=GATE), FITTING),
    "fitting beside a candidate": TrialState(replace(STORED, awaiting=WAITING), FITTING),
}
ENDED = FitEnded("c/1", FITTED, 50, "rows", ("a", "b"), 3)
HAPPENINGS = {
    "requested": Requested(SECOND, CAUSE),
    "counted": Counted(DriftPartial(tenant="default", device_id="", stream="pumps", count=10), 6),
    "batch ended": BatchEnded(),
    "closing": Closing(150),
    "fitted": ENDED,
    "failed": replace(ENDED, result=Failed("too few rows")),
    "stored": Stored(LATER, 1),
    "answered": Answered("c/-1"),
    "champion read": ChampionRead(1),
    "newer champion read": ChampionRead(2),
    "compared": Compared(1, 101, ((True, True),)),
    "won": Compared(1, 101, WON),
    "lost rows": Lost("deleted"),
}
ASK, READ = [AskRegistry], [ReadChampion]
COMPARE = [Compare]
# What each phase asks for; a happening that is not named here belongs to another phase, and changes nothing.
EFFECTS = {
    "idle": {"requested": [Fit], "counted": []},
    "fitting": {"requested": [Fit], "counted": [], "fitted": [Store], "failed": [PublishRun]},
    "at the gate": {
        "requested": [Fit],
        "counted": [],
        "batch ended": READ,
        "closing": READ,
        "champion read": COMPARE,
        "newer champion read": COMPARE,
        "compared": [],
        "won": READ,
        "lost rows": [PublishRun, Discard],
    },
    "awaiting the registry": {"requested": ASK, "counted": [], "answered": []},
    "at the gate behind a candidate": {
        "requested": ASK,
        "counted": ASK,
        "batch ended": ASK,
        "closing": READ,
        "answered": [],
        "champion read": COMPARE,
        "newer champion read": COMPARE,
        "compared": [],
        "won": READ,
        "lost rows": [PublishRun, Discard],
    },
    "fitting beside a gate": {
        "requested": [Fit],
        "counted": [],
        "batch ended": READ,
        "closing": READ,
        "fitted": READ,
        "failed": READ,
        "champion read": COMPARE,
        "newer champion read": COMPARE,
        "compared": [],
        "won": READ,
        "lost rows": [PublishRun, Discard],
    },
    "fitting beside a candidate": {"requested": ASK, "counted": [], "fitted": [Store], "failed": [PublishRun], "answered": []},
}


@pytest.mark.parametrize("happening", HAPPENINGS)
@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_meets_each_happening(phase, happening):
    before = PHASES[phase]
    after, effects = decide(PLAN, before, HAPPENINGS[happening])
    expected = EFFECTS[phase].get(happening)
    assert [type(effect) for effect in effects] == (expected or [])
    if expected is None:
        assert after == before


@pytest.mark.parametrize("happening", HAPPENINGS)
@pytest.mark.parametrize("phase", PHASES)
def test_a_happening_that_comes_twice_changes_nothing_and_publishes_nothing(phase, happening):
    once, _ = decide(PLAN, PHASES[phase], HAPPENINGS[happening])
    twice, effects = decide(PLAN, once, HAPPENINGS[happening])
    assert twice == once
    assert not [effect for effect in effects if isinstance(effect, PublishRun | Propose | Discard)]


def test_the_phase_is_that_of_the_newest_trial():
    found = {name: type(state.phase) for name, state in PHASES.items()}
    assert found["idle"] is Idle
    assert found["fitting"] is found["fitting beside a gate"] is found["fitting beside a candidate"] is Fitting
    assert found["at the gate"] is found["at the gate behind a candidate"] is type(GATE)
    assert found["awaiting the registry"] is AwaitingRegistry


def test_a_partial_is_folded_once_and_waits_while_the_gate_waits_for_the_registry():
    counted = HAPPENINGS["counted"]
    after, _ = decide(PLAN, PHASES["idle"], counted)
    assert (after.stored.rows, after.stored.last_offset) == (170, 6)
    behind = PHASES["at the gate behind a candidate"]
    state, [asked] = decide(PLAN, behind, counted)
    assert (state, asked) == (behind, AskRegistry("c/-1", counted))
    after, effects = decide(PLAN, behind, Answered("c/-1", counted))
    assert (after.stored.rows, after.stored.awaiting, effects) == (170, None, [])


def test_a_request_that_waited_for_the_registry_goes_on_with_its_answer():
    asked = HAPPENINGS["requested"]
    after, effects = decide(PLAN, PHASES["awaiting the registry"], Answered("c/-1", asked))
    assert after.stored.awaiting is None
    assert effects == [Fit(FITTING)]
    assert after.phase == FITTING


def test_an_answer_to_another_candidate_leaves_the_newest_one_waiting():
    after, effects = decide(PLAN, PHASES["awaiting the registry"], Answered("c/-2"))
    assert (after, effects) == (PHASES["awaiting the registry"], [])


def test_a_request_waits_for_the_rows_that_end_the_gate_before_it():
    few = PHASES["at the gate"].with_stored(rows=149)
    for happening in (HAPPENINGS["requested"], Closing(150)):
        assert decide(PLAN, few, happening) == (few, [AwaitRows(150)])
    assert decide(PLAN, few.with_stored(gate=replace(GATE, until=140)), HAPPENINGS["requested"])[1] == [Fit(FITTING)]


def test_another_request_takes_the_place_of_the_one_that_is_fitted():
    third = Requested(request("c/2", 160, 300), CAUSE)
    after, effects = decide(PLAN, PHASES["fitting"], third)
    assert effects == [Fit(Fitting(third.request, CAUSE, PLAN))]
    assert after.phase == effects[0].fitting
    assert decide(PLAN, after, ENDED) == (after, [])


def test_an_open_fit_and_an_open_gate_keep_the_rule_that_they_began_with():
    strict = Plan(Recipe(trees=3), Rule(50))
    _, [fit] = decide(strict, PHASES["fitting"], HAPPENINGS["requested"])
    assert fit == Fit(FITTING)
    _, effects = decide(strict, PHASES["at the gate"], HAPPENINGS["won"])
    assert effects == [ReadChampion(1, fresh=True)]


def test_a_failed_fit_ends_the_trial_and_is_told_with_its_trials():
    failure = Failed("too few rows", steps=(SearchStep({"depth": "3"}),))
    after, effects = decide(PLAN, PHASES["fitting"], replace(ENDED, result=failure))
    assert [effect.run.status for effect in effects] == [RunStatus.TRIAL, RunStatus.FAILED]
    assert (after.phase, after.stored.done) == (Idle(), ("c/1",))
    assert decide(PLAN, after, HAPPENINGS["requested"]) == (after, [])


def fitted(tally: Tally | None = None) -> tuple[TrialState, FitEnded]:
    ended = replace(ENDED, result=replace(FITTED, tally=tally))
    state, [store] = decide(PLAN, PHASES["fitting"], ended)
    assert store == Store(state.fitting, ended, ended.result)
    return state, ended


def test_a_fitted_challenger_stands_at_the_gate_once_its_file_is_stored():
    state, _ = fitted()
    after, [told] = decide(PLAN, state, Stored(LATER, 1))
    assert (told.run.status, told.run.file.digest, told.cause) == (RunStatus.FITTED, "later", CAUSE)
    gate = after.stored.gate
    assert (gate.request_id, gate.row, gate.until, gate.next_row, gate.champion_version) == ("c/1", 150, 250, 151, 1)
    assert after.fitting is None


@pytest.mark.parametrize(
    ("tally", "champion", "status"),
    [
        (Tally(wins=1, losses=2, judged=5), None, RunStatus.PROMOTED),
        (Tally(wins=1, losses=1, judged=5), 1, RunStatus.REJECTED),
        (Tally(wins=2, losses=1, judged=5), 1, RunStatus.PROMOTED),
    ],
)
def test_a_challenger_that_was_judged_beside_a_constant_needs_no_further_row(tally, champion, status):
    state, _ = fitted(tally)
    after, effects = decide(PLAN, state, Stored(LATER, champion))
    told = [effect.run for effect in effects if isinstance(effect, PublishRun)]
    assert [run.status for run in told] == [RunStatus.FITTED, status]
    assert [run.judged for run in told] == [0, 5]
    assert after.stored.gate is None
    assert (after.stored.awaiting is not None) is (status is RunStatus.PROMOTED)


def test_a_promotion_counts_only_against_the_newest_version():
    state, effects = decide(PLAN, PHASES["at the gate"], Compared(1, 101, WON))
    assert effects == [ReadChampion(1, fresh=True)]
    promoted, [proposed, told] = decide(PLAN, state, ChampionRead(1))
    assert (proposed.candidate.file.digest, proposed.candidate.champion_version, told.run.status) == ("earlier", 1, RunStatus.PROMOTED)
    assert (told.run.row, told.run.wins, told.run.judged) == (104, 4, 4)
    assert promoted.phase == AwaitingRegistry(request_id="c/0", digest="earlier")
    again, [compare] = decide(PLAN, state, ChampionRead(2))
    assert (compare.first, compare.last, compare.gate.champion_version) == (101, 160, 2)
    assert (again.stored.gate.tally.judged, again.stored.gate.next_row) == (0, 101)


def test_a_challenger_that_never_leads_is_rejected_at_the_last_row():
    ready = PHASES["at the gate"].with_stored(rows=300)
    _, [compare] = decide(PLAN, ready, ChampionRead(1))
    assert (compare.first, compare.last) == (101, 200)
    after, [told, discard] = decide(PLAN, ready, Compared(1, 101, LOST))
    assert (told.run.status, told.run.row, told.run.losses, told.run.reason) == (RunStatus.REJECTED, 200, 100, "")
    assert discard == Discard(EARLIER, CAUSE)
    assert after.phase == Idle()


def test_outcomes_that_do_not_follow_on_are_left_out():
    for stale in (Compared(1, 100, WON), Compared(2, 101, WON), Compared(None, 101, WON)):
        assert decide(PLAN, PHASES["at the gate"], stale) == (PHASES["at the gate"], [])


def test_a_fit_that_has_ended_closes_the_gate_before_it_and_then_opens_its_own():
    ahead = PHASES["fitting beside a gate"].with_stored(gate=replace(GATE, next_row=158))
    state, effects = decide(PLAN, ahead, ENDED)
    assert effects == [ReadChampion(1)]
    assert (state.closing, state.stored.gate.next_row, state.stored.done) == (150, 101, ())
    state, [compare] = decide(PLAN, state, ChampionRead(1))
    assert (compare.first, compare.last) == (101, 150)
    state, [told, _, store] = decide(PLAN, state, Compared(1, 101, LOST[:50]))
    assert (told.run.status, told.run.row, told.run.reason) == (RunStatus.REJECTED, 150, "closed by the next request")
    assert isinstance(store, Store)
    assert (state.closing, state.stored.done) == (None, ("c/1",))
    state, _ = decide(PLAN, state, Stored(LATER, 1))
    assert state.stored.gate.challenger == LATER


def test_a_gate_that_cannot_go_on_fails_and_lets_the_next_fit_go_on():
    state, _ = decide(PLAN, PHASES["fitting beside a gate"], ENDED)
    state, [told, _, store] = decide(PLAN, state, Lost("rows are deleted"))
    assert (told.run.status, told.run.reason) == (RunStatus.FAILED, "the gate cannot go on: rows are deleted")
    assert isinstance(store, Store)


def test_only_the_newest_request_ids_are_remembered():
    many = PHASES["fitting"].with_stored(done=tuple(f"old/{n}" for n in range(64)))
    after, _ = decide(PLAN, many, ENDED)
    assert (len(after.stored.done), after.stored.done[0], after.stored.done[-1]) == (64, "old/1", "c/1")
