"""The state machine of a trial: a training request from its fit over the gate to the answer of the model registry.

It does no I/O: :func:`decide` takes what has happened and gives back what is to be done, and :func:`run` repeats that until nothing is
left. The service and a replay differ in how they carry out effects, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgeloop_contracts import AtGate, AwaitingRegistry, ModelCandidate, ModelVersion, RunStatus
from edgeloop_contracts.row_references import folded

from edgeloop_trainer.core.fit_result import Failed
from edgeloop_trainer.core.gate import Judgement, Rule, Verdict, judge
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
    Effect,
    Fit,
    FitEnded,
    Fitting,
    Happening,
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
from edgeloop_trainer.core.runs import candidate, failed_run, gate_of, restarted, run_of, search_runs, tally_of, version_of, with_tally

REMEMBERED = 64
Decision = tuple[TrialState, list[Effect]]
Perform = Callable[[TrialState, Effect], Happening | None]
"""Carries out an effect; gives back what came of it, ``None`` if that changes nothing."""


def run(plan: Plan, state: TrialState, happening: Happening, perform: Perform) -> TrialState:
    """Decide, carry out the effects in their order, and decide on what comes of each before the next one.

    Parameters
    ----------
    plan
        For a fit that begins now.
    perform
        May raise, if something cannot be had yet: then ``state`` is still the state, and the happening is to come again.
    """
    state, effects = decide(plan, state, happening)
    for effect in effects:
        answer = perform(state, effect)
        if answer is not None:
            state = run(plan, state, answer, perform)
    return state


def rehearse(plan: Plan, state: TrialState, row: int, perform: Perform) -> ModelCandidate | None:
    """The candidate that would come of an open gate if the next request ended it at ``row``; ``None`` for none.

    Parameters
    ----------
    perform
        Is asked to read champions and to compare, and for nothing else.
    """
    candidates: list[ModelCandidate] = []

    def rehearsed(state: TrialState, effect: Effect) -> Happening | None:
        match effect:
            case ReadChampion() | Compare():
                return perform(state, effect)
            case Propose(candidate=found):
                candidates.append(found)
            case _:
                pass
        return None

    run(plan, replace(state, fitting=None), Closing(row), rehearsed)
    return candidates[0] if candidates else None


def versions_at(fitting: Fitting, state: TrialState, versions: list[ModelVersion], perform: Perform) -> list[ModelVersion]:
    """Versions as they will be once a request has ended the gate of the request before it: contenders do not depend on timing.

    Parameters
    ----------
    versions
        Versions of the stream so far, in rising order.
    perform
        As of :func:`rehearse`.
    """
    if not versions:
        return versions
    found = rehearse(fitting.plan, state, fitting.request.row, perform)
    return [*versions, version_of(found, versions[-1].version + 1)] if found else versions


def decide(plan: Plan, state: TrialState, happening: Happening) -> Decision:
    """Take a happening into the trials of a stream.

    A happening that comes twice, or that belongs to another phase, changes nothing.

    Parameters
    ----------
    plan
        For a fit that begins now; an open gate keeps the rule that it began with.
    """
    gate = state.stored.gate
    match happening:
        case Counted():
            return _counted(state, happening)
        case Requested():
            return _requested(plan, state, happening)
        case FitEnded():
            return _fit_ended(state, happening)
        case Stored():
            return _stored(state, happening)
        case Answered():
            return _answered(plan, state, happening)
        case BatchEnded() if gate is not None:
            awaiting = state.stored.awaiting
            return state, [AskRegistry(awaiting.request_id, happening) if awaiting else ReadChampion(gate.champion_version)]
        case Closing(row=row) if gate is not None:
            return _closing(state, gate, row)
        case ChampionRead(version=version) if gate is not None:
            return _champion_read(state, gate, version)
        case Compared() if gate is not None:
            return _compared(state, gate, happening)
        case Lost(reason=reason) if gate is not None:
            return _ended(state, gate, RunStatus.FAILED, gate.next_row - 1, f"the gate cannot go on: {reason}")
        case _:
            return state, []


def _counted(state: TrialState, happening: Counted) -> Decision:
    stored = state.stored
    if stored.last_offset is not None and happening.offset <= stored.last_offset:
        return state, []
    if stored.gate is not None and stored.awaiting is not None:
        return state, [AskRegistry(stored.awaiting.request_id, happening)]
    return replace(state, stored=folded(stored, happening.partial, happening.offset)), []


def _requested(plan: Plan, state: TrialState, happening: Requested) -> Decision:
    request, stored = happening.request, state.stored
    if request.request_id in stored.done:
        return state, []
    if stored.awaiting is not None:
        return state, [AskRegistry(stored.awaiting.request_id, happening)]
    if stored.gate is not None and stored.rows < (rows := min(stored.gate.until, request.row)):
        return state, [AwaitRows(rows)]
    fitting = state.fitting
    if fitting is None or fitting.request.request_id != request.request_id:
        fitting = Fitting(request, happening.cause, plan)
    return replace(state, fitting=fitting), [Fit(fitting)]


def _answered(plan: Plan, state: TrialState, happening: Answered) -> Decision:
    awaiting = state.stored.awaiting
    if awaiting is not None and awaiting.request_id == happening.request_id:
        state = state.with_stored(awaiting=None)
    return (state, []) if happening.then is None else decide(plan, state, happening.then)


def _fit_ended(state: TrialState, ended: FitEnded) -> Decision:
    """Close the gate of the request before this one, then open the gate of this one, or none if the fit has failed."""
    fitting = state.fitting
    if fitting is None or fitting.request.request_id != ended.request_id or ended.request_id in state.stored.done:
        return state, []
    fitting = replace(fitting, ended=ended)
    state = replace(state, fitting=fitting)
    if state.stored.gate is not None:
        return _closing(state, state.stored.gate, fitting.request.row)
    state = state.with_stored(done=(*state.stored.done, ended.request_id)[-REMEMBERED:])
    steps = search_runs(fitting.request, ended.result.steps, ended.rows, ended.dataset_digest)
    effects: list[Effect] = [PublishRun(step, fitting.cause) for step in steps]
    if isinstance(ended.result, Failed):
        end = failed_run(fitting.request, ended.result, ended.rows, ended.dataset_digest)
        return replace(state, fitting=None), [*effects, PublishRun(end, fitting.cause)]
    return state, [*effects, Store(fitting, ended, ended.result)]


def _stored(state: TrialState, happening: Stored) -> Decision:
    fitting, challenger = state.fitting, happening.challenger
    if fitting is None or fitting.ended is None or isinstance(fitting.ended.result, Failed) or state.stored.gate is not None:
        return state, []
    request, tally = fitting.request, fitting.ended.result.tally
    gate = gate_of(request, fitting.cause, challenger, happening.champion_version, fitting.plan.rule.minimum)
    state = replace(state.with_stored(gate=gate), fitting=None)
    effects: list[Effect] = [PublishRun(run_of(state.stored, gate, RunStatus.FITTED, request.row), gate.cause)]
    if tally is None:
        return state, effects
    verdict = fitting.plan.rule.constant_verdict(tally, has_champion=happening.champion_version is not None)
    state, ended = _ended(state, with_tally(gate, Judgement(tally, gate.next_row)), _status(verdict), request.row)
    return state, [*effects, *ended]


def _closing(state: TrialState, gate: AtGate, row: int) -> Decision:
    """End a gate at the row of the next request. It is judged anew, as rows beyond that one may have been judged already."""
    if state.stored.rows < (rows := min(gate.until, row)):
        return state, [AwaitRows(rows)]
    gate = restarted(gate, gate.champion_version)
    return replace(state.with_stored(gate=gate), closing=row), [ReadChampion(gate.champion_version)]


def _champion_read(state: TrialState, gate: AtGate, version: int) -> Decision:
    """Compare with the newest version; a verdict against an older one does not count."""
    if version != gate.champion_version:
        gate = restarted(gate, version)
        state = state.with_stored(gate=gate)
    until = state.last_row(gate)
    if Rule(gate.minimum).verdict(tally_of(gate), last=gate.next_row > until) is Verdict.PROMOTE:
        return _judged(state, gate, Verdict.PROMOTE)
    return state, [Compare(gate, gate.next_row, min(state.stored.rows, until))]


def _compared(state: TrialState, gate: AtGate, happening: Compared) -> Decision:
    if (happening.champion_version, happening.first) != (gate.champion_version, gate.next_row):
        return state, []
    judgement = judge(Rule(gate.minimum), Judgement(tally_of(gate), gate.next_row), happening.outcomes, state.last_row(gate))
    gate = with_tally(gate, judgement)
    state = state.with_stored(gate=gate)
    match judgement.verdict:
        case None:
            return state, []
        case Verdict.PROMOTE:
            return state, [ReadChampion(gate.champion_version, fresh=True)]
        case Verdict.REJECT:
            return _judged(state, gate, Verdict.REJECT)


def _judged(state: TrialState, gate: AtGate, verdict: Verdict) -> Decision:
    reason = "closed by the next request" if state.closing is not None else ""
    return _ended(state, gate, _status(verdict), gate.next_row - 1, reason)


def _ended(state: TrialState, gate: AtGate, status: RunStatus, row: int, reason: str = "") -> Decision:
    """End a gate; a fit that has waited for that goes on."""
    stored, challenger = state.stored, gate.challenger
    effects: list[Effect] = [PublishRun(run_of(stored, gate, status, row, reason), gate.cause)]
    awaiting = stored.awaiting
    if status is RunStatus.PROMOTED:
        awaiting = AwaitingRegistry(request_id=gate.request_id, digest=challenger.file.digest)
        effects.insert(0, Propose(candidate(stored, gate), gate.cause))
    else:
        effects.append(Discard(challenger, gate.cause))
    state = replace(state.with_stored(gate=None, awaiting=awaiting), closing=None)
    if state.fitting is None or state.fitting.ended is None:
        return state, effects
    state, more = _fit_ended(state, state.fitting.ended)
    return state, [*effects, *more]


def _status(verdict: Verdict) -> RunStatus:
    return RunStatus.PROMOTED if verdict is Verdict.PROMOTE else RunStatus.REJECTED
