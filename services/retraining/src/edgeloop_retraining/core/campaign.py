"""What a stream's rows, alarms and commands lead to.

Rows come on one topic, alarms on another, and neither waits for the other. So nothing is decided when it arrives: a row
is *decided* once it has been counted here and detection has said that it looked at it, which it says after the alarms of
that row. Then alarms, commands and stages that are due take effect in the order of their rows, whatever the order in which
they came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeloop_contracts import CampaignState, Cause, GateKind, Occasion, WaitingAlarm

from edgeloop_retraining.core.policy import Policy

REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """Labelled rows were counted.

    Attributes
    ----------
    rows
        Labelled rows of the stream so far.
    answered
        The first of the new rows that a model answered, counted from 1; 0 for none.
    """

    rows: int
    answered: int = 0


@dataclass(frozen=True, slots=True)
class Detected:
    """Detection has looked at the first ``row`` rows, and its alarms of them have come."""

    row: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """The error rate rose at the row numbered ``row``, counted from 1.

    ``alone`` says that it was that of the versions without their adapter.
    """

    id: str
    row: int
    cause: Cause
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """Somebody wants a fit as soon as ``rows`` rows are there, and ``seed`` for it and all later ones."""

    id: str
    rows: int
    cause: Cause
    seed: int = -1


@dataclass(frozen=True, slots=True)
class Unfit:
    """A campaign's first fit came to nothing: it failed, or was no better than answering the commonest class."""

    campaign: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fit is due for.

    Attributes
    ----------
    campaign, stage
        Which campaign, and which of its stages, from 0.
    occasion
        Whether a signal, its silence or a person asks.
    opened
        Row at which the campaign was opened.
    cause
        What opened it.
    """

    campaign: str
    stage: int
    occasion: Occasion
    opened: int
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit is due on rows ``start + 1`` to ``end``."""

    asked: Asked
    start: int
    end: int
    gate: GateKind
    gate_until: int
    seed: int = -1


Happening = Counted | Detected | Alarm | Command | Unfit


def decide(policy: Policy, state: CampaignState, event: Happening) -> tuple[CampaignState, list[Fit]]:
    """Take what happened into a stream's state; give back the fits that are due now.

    A repeated alarm or command changes nothing.
    """
    match event:
        case Counted():
            state = replace(state, rows=event.rows, answered=state.answered or event.answered)
        case Detected():
            state = replace(state, detected=max(state.detected, event.row))
        case Alarm():
            if event.row > state.decided:
                state = _wait(state, WaitingAlarm(id=event.id, row=event.row, alone=event.alone, cause=event.cause))
        case Command():
            if event.id not in state.commands:
                row = max(event.rows or policy.first, state.rows)
                state = replace(state, commands=(*state.commands, event.id)[-REMEMBERED:], seed=event.seed)
                state = _wait(state, WaitingAlarm(id=event.id, row=row, command=True, cause=event.cause))
        case Unfit():
            state = _again(state, event)
    return _settle(policy, state)


def _wait(state: CampaignState, alarm: WaitingAlarm) -> CampaignState:
    if any(waiting.id == alarm.id for waiting in state.waiting):
        return state
    return replace(state, waiting=tuple(sorted((*state.waiting, alarm), key=lambda a: (a.row, a.command, a.id))))


def _again(state: CampaignState, event: Unfit) -> CampaignState:
    """While there is no model there are no errors, hence no alarms: a command that came to nothing is repeated at double the rows."""
    if not state.command or event.campaign != state.campaign or state.stage != 1 or state.answered:
        return state
    name, _, attempt = event.campaign.rpartition("~")
    again = f"{name}~{int(attempt) + 1}" if name and attempt.isdecimal() else f"{event.campaign}~2"
    row = max(2 * state.opened, state.decided)
    closed = replace(state, campaign="", command=False, stage=0)
    return _wait(closed, WaitingAlarm(id=again, row=row, command=True, cause=event.cause))


def _settle(policy: Policy, state: CampaignState) -> tuple[CampaignState, list[Fit]]:
    """Go through everything that is to happen up to the last decided row."""
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


def adopted(policy: Policy, state: CampaignState) -> CampaignState:
    """A stream's state as it goes on under another policy.

    Fits of the open campaign that would have been due in rows already decided are left out: they belong to the past.
    """
    while (due := next_due(policy, state)) is not None and due <= state.decided:
        state = replace(state, stage=state.stage + 1)
    return _closed(policy, state)


def next_due(policy: Policy, state: CampaignState) -> int | None:
    """Row at which the open campaign's next fit is due; ``None`` without one."""
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
    # Adapters still answer well then: a fit on few rows would only take the place of a version that they have learned to use.
    stage = 1 if alarm.alone and len(policy.stages) > 1 else 0
    return replace(state, campaign=alarm.id, opened=alarm.row, command=False, stage=stage, cause=alarm.cause)


def _command(policy: Policy, state: CampaignState, command: WaitingAlarm) -> tuple[CampaignState, list[Fit]]:
    """A command's fit. It opens a campaign of quiet fits, unless one is open: that goes on beside it."""
    opened = replace(state, campaign=command.id, opened=command.row, command=True, stage=1, cause=command.cause)
    after = state if state.campaign else opened
    start = policy.start(command.row, command.row, whole=True)
    asked = Asked(command.id, 0, Occasion.COMMAND, command.row, command.cause)
    return _closed(policy, after), [_fit(policy, after, asked, start, command.row)]


def _stage(policy: Policy, state: CampaignState, row: int) -> tuple[CampaignState, list[Fit]]:
    after = replace(state, stage=state.stage + 1)
    spent = policy.spend(state.spent, row - state.spent_at)
    if spent is None:
        return _closed(policy, after), []
    start = policy.start(state.opened, row, whole=False)
    occasion = Occasion.QUIET if policy.is_quiet(state.stage, command=state.command) else Occasion.DRIFT
    asked = Asked(state.campaign, state.stage, occasion, state.opened, state.cause)
    fit = _fit(policy, after, asked, start, row)
    return _closed(policy, replace(after, spent=spent, spent_at=row)), [fit]


def _closed(policy: Policy, state: CampaignState) -> CampaignState:
    """The state without its campaign if that has no stage left."""
    return state if next_due(policy, state) is not None else replace(state, campaign="", command=False, stage=0)


def _fit(policy: Policy, after: CampaignState, asked: Asked, start: int, end: int) -> Fit:
    due = next_due(policy, after)
    until = end + policy.gate if due is None else min(end + policy.gate, due)
    gate = GateKind.CHAMPION if 0 < after.answered <= end else GateKind.MAJORITY
    return Fit(asked=asked, start=start, end=end, gate=gate, gate_until=until, seed=after.seed)
