"""The state machine of a campaign: from labelled rows, alarms and commands to the fits that are due.

Rows and alarms come on different topics, and neither waits for the other. So nothing is decided on arrival. A row is *decided* once
it is counted here and the detectors have passed it; they report that after the alarms of the row. Alarms, commands and due stages
then take effect in the order of their rows, not in the order of their arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeloop_contracts import CampaignState, Cause, GateKind, Occasion, WaitingAlarm

from edgeloop_retraining.core.policy import Policy

REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """New labelled rows have been counted.

    Attributes
    ----------
    rows
        Labelled rows of the stream so far.
    answered
        Number of the first new row that a model answered, counted from 1; ``None`` for none.
    """

    rows: int
    answered: int | None = None


@dataclass(frozen=True, slots=True)
class Detected:
    """The detectors have passed the first ``row`` rows, and their alarms have come."""

    row: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """The error rate rose at row number ``row``, counted from 1.

    With ``alone`` it is the error rate of versions without their adapter.
    """

    id: str
    row: int
    cause: Cause
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A person orders a fit as soon as ``rows`` rows are there, with ``seed`` for it and all later fits."""

    id: str
    rows: int
    cause: Cause
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class FirstFitFailed:
    """The first fit of a campaign failed, or was rejected because it did not beat the majority class."""

    campaign: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class FitReason:
    """The reason why a fit is due.

    Attributes
    ----------
    campaign, stage
        The campaign and its stage, from 0.
    occasion
        A signal, the absence of signals, or a person's command.
    opened
        Row at which the campaign was opened.
    cause
        The event that opened it.
    """

    campaign: str
    stage: int
    occasion: Occasion
    opened: int
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit is due on rows ``start + 1`` to ``end``."""

    reason: FitReason
    start: int
    end: int
    gate: GateKind
    gate_until: int
    seed: int | None = None


Happening = Counted | Detected | Alarm | Command | FirstFitFailed


def decide(policy: Policy, state: CampaignState, event: Happening) -> tuple[CampaignState, list[Fit]]:
    """Apply an event to the state of a stream; return the new state and the fits that are due now.

    A repeated alarm or command changes nothing.
    """
    match event:
        case Counted():
            state = replace(state, rows=event.rows, answered=state.answered or event.answered)
        case Detected():
            state = replace(state, detected=max(state.detected, event.row))
        case Alarm():
            if event.row > state.decided:
                state = _enqueue(state, WaitingAlarm(id=event.id, row=event.row, alone=event.alone, cause=event.cause))
        case Command():
            if event.id not in state.commands:
                row = max(event.rows or policy.first, state.rows)
                state = replace(state, commands=(*state.commands, event.id)[-REMEMBERED:], seed=event.seed)
                state = _enqueue(state, WaitingAlarm(id=event.id, row=row, command=True, cause=event.cause))
        case FirstFitFailed():
            state = _retry(state, event)
    return _settle(policy, state)


def _enqueue(state: CampaignState, alarm: WaitingAlarm) -> CampaignState:
    if any(waiting.id == alarm.id for waiting in state.waiting):
        return state
    return replace(state, waiting=tuple(sorted((*state.waiting, alarm), key=lambda a: (a.row, a.command, a.id))))


def _retry(state: CampaignState, event: FirstFitFailed) -> CampaignState:
    """Repeat a command whose first fit failed, at double the rows: a stream without a model has no errors, so no alarm would come."""
    if not state.command or event.campaign != state.campaign or state.stage != 1 or state.answered:
        return state
    name, _, attempt = event.campaign.rpartition("~")
    again = f"{name}~{int(attempt) + 1}" if name and attempt.isdecimal() else f"{event.campaign}~2"
    row = max(2 * state.opened, state.decided)
    closed = replace(state, campaign=None, command=False, stage=0)
    return _enqueue(closed, WaitingAlarm(id=again, row=row, command=True, cause=event.cause))


def _settle(policy: Policy, state: CampaignState) -> tuple[CampaignState, list[Fit]]:
    """Apply all alarms, commands and due stages up to the last decided row."""
    decided = max(state.decided, min(state.rows, state.detected))
    fits: list[Fit] = []
    while True:
        due = next_due(policy, state)
        alarm = state.waiting[0] if state.waiting else None
        if alarm and alarm.row <= decided and (due is None or alarm.row <= due):
            state = replace(state, waiting=state.waiting[1:])
            state, done = _command(policy, state, alarm) if alarm.command else (_alarm(policy, state, alarm), [])
        elif due is not None and due <= decided:
            state, done = _stage(policy, state, due)
        else:
            return replace(state, decided=decided), fits
        fits += done


def under_policy(policy: Policy, state: CampaignState) -> CampaignState:
    """The state of a stream under another policy.

    Fits that the new policy would have made due before the last decided row are skipped.
    """
    while (due := next_due(policy, state)) is not None and due <= state.decided:
        state = replace(state, stage=state.stage + 1)
    return _closed(policy, state)


def next_due(policy: Policy, state: CampaignState) -> int | None:
    """Row at which the next fit of the open campaign is due; ``None`` without one."""
    if not state.campaign:
        return None
    after = policy.due(state.stage, command=state.command)
    return None if after is None else state.opened + after


def _alarm(policy: Policy, state: CampaignState, alarm: WaitingAlarm) -> CampaignState:
    if state.campaign:
        same = alarm.row == state.opened and not state.command
        early = alarm.row - state.opened < policy.cooldown
        busy = (policy.on_open == "ignore" or alarm.alone) and not policy.is_quiet(state.stage, command=state.command)
        if same or early or busy:
            return state
    # An alarm without adapters leaves devices with good answers: a fit on few rows would replace a version that adapters rely on.
    stage = 1 if alarm.alone and len(policy.stages) > 1 else 0
    return replace(state, campaign=alarm.id, opened=alarm.row, command=False, stage=stage, cause=alarm.cause)


def _command(policy: Policy, state: CampaignState, command: WaitingAlarm) -> tuple[CampaignState, list[Fit]]:
    """The fit of a command. It opens a campaign of quiet fits; an open campaign goes on instead."""
    opened = replace(state, campaign=command.id, opened=command.row, command=True, stage=1, cause=command.cause)
    after = state if state.campaign else opened
    start = policy.start(command.row, command.row, whole=True)
    reason = FitReason(command.id, 0, Occasion.COMMAND, command.row, command.cause)
    return _closed(policy, after), [_fit(policy, after, reason, start, command.row)]


def _stage(policy: Policy, state: CampaignState, row: int) -> tuple[CampaignState, list[Fit]]:
    after = replace(state, stage=state.stage + 1)
    spent = policy.spend(state.spent, row - state.spent_at)
    if spent is None:
        return _closed(policy, after), []
    start = policy.start(state.opened, row, whole=False)
    occasion = Occasion.QUIET if policy.is_quiet(state.stage, command=state.command) else Occasion.DRIFT
    assert state.campaign is not None
    reason = FitReason(state.campaign, state.stage, occasion, state.opened, state.cause)
    fit = _fit(policy, after, reason, start, row)
    return _closed(policy, replace(after, spent=spent, spent_at=row)), [fit]


def _closed(policy: Policy, state: CampaignState) -> CampaignState:
    """The state, without its campaign if that has no stage left."""
    return state if next_due(policy, state) is not None else replace(state, campaign=None, command=False, stage=0)


def _fit(policy: Policy, after: CampaignState, reason: FitReason, start: int, end: int) -> Fit:
    due = next_due(policy, after)
    until = end + policy.gate if due is None else min(end + policy.gate, due)
    gate = GateKind.CHAMPION if after.answered is not None and after.answered <= end else GateKind.MAJORITY
    return Fit(reason=reason, start=start, end=end, gate=gate, gate_until=until, seed=after.seed)
