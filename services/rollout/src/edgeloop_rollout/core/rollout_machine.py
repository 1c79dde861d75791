"""The state machine of a rollout: from evidence, reports and orders to the version of each device.

It does no I/O and reads no clock: :func:`decide` takes what has happened and gives back what is to be done. The fleet is only looked at. It
belongs to the caller, who enters assignments and reports into it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from edgeloop_rollout.core.judgement import Advance, Finding, TurnBack, judge, with_counts
from edgeloop_rollout.core.phases import members
from edgeloop_rollout.core.rollout_states import (
    Approval,
    Assign,
    AwaitingApproval,
    Command,
    Decision,
    Device,
    DeviceReported,
    Done,
    Effect,
    EvidenceWindow,
    Fleet,
    Happening,
    Order,
    Paused,
    RecordStage,
    Refusal,
    RefuseCommand,
    Rollout,
    RolloutPolicy,
    Running,
    SendBack,
    Stage,
    Tick,
    TurnedBack,
)


def begin(policy: RolloutPolicy, fleet: Fleet, *, stream: str, version: int, previous: int | None, at: float) -> Decision:
    """Begin the rollout of a version. The first one of a stream goes to every device: there is nothing to compare it with."""
    stage: Stage = Done() if previous is None or policy.at_once else Running(0)
    rollout = Rollout(stream, version, previous, stage, at)
    return rollout, (RecordStage(stage, at), *_covered(policy, fleet, rollout))


def decide(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, happening: Happening) -> Decision:
    """Take a happening into a rollout.

    A window must come once; any other happening may come twice and then changes nothing more.

    Parameters
    ----------
    policy
        As it is now. A rollout beyond the last phase of a changed policy is in its last one.
    fleet
        Devices of the stream, with what they were told and what they report. A report is in it before it is decided on.
    """
    rollout = replace(rollout, now=max(rollout.now, happening.at), stage=_fitted(rollout.stage, len(policy.phases) - 1))
    match happening:
        case EvidenceWindow():
            if isinstance(rollout.stage, TurnedBack):
                return rollout, ()
            comparisons = with_counts(policy.criteria, rollout.comparisons, happening.counted)
            rollout = replace(rollout, comparisons=comparisons, phase_rows=rollout.phase_rows + happening.new_rows)
            return _settled(policy, fleet, rollout)
        case Tick():
            rollout, effects = _settled(policy, fleet, rollout)
            return rollout, (*effects, *_covered(policy, _told(fleet, effects), rollout))
        case DeviceReported(device=device):
            return rollout, _met(policy, fleet, rollout, device)
        case Command():
            return _commanded(policy, fleet, rollout, happening)


def _fitted(stage: Stage, last: int) -> Stage:
    """The stage, within the phases of a policy that may have fewer now."""
    match stage:
        case Paused(held=held):
            fitted = _fitted(held, last)
            return replace(stage, held=fitted) if isinstance(fitted, Running | AwaitingApproval) else stage
        case Running(phase=number) | AwaitingApproval(phase=number) if number > last:
            return Running(last)
        case _:
            return stage


def _settled(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout) -> Decision:
    """Turn back if harm is shown, whatever the stage; otherwise go on if the phase has what it needs."""
    if isinstance(rollout.stage, TurnedBack):
        return rollout, ()
    judgement = judge(policy.criteria, rollout.comparisons)
    if isinstance(judgement, TurnBack):
        return _turned_back(fleet, rollout, TurnedBack(judgement.evidence))
    match rollout.stage:
        case Running(phase=number):
            evidence = judgement.evidence if isinstance(judgement, Advance) else None
            return _ready(policy, fleet, rollout, number, evidence)
        case AwaitingApproval(phase=number, evidence=evidence) if _approved(rollout, number):
            return _entered(policy, fleet, rollout, number, evidence)
        case _:
            return rollout, ()


def _ready(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, number: int, evidence: tuple[Finding, ...] | None) -> Decision:
    """Go on to the next phase if rows, devices and evidence suffice. A lost device is not waited for."""
    phase = policy.phases[number]
    live = _live(policy, fleet, rollout)
    in_phase = {name for name in live if live[name].assigned == rollout.version}
    installed = sum(live[name].installed == rollout.version for name in in_phase)
    # Without any device that is heard, the phase waits: nothing would be known of the version.
    if rollout.phase_rows < phase.least_rows or installed < max(1, min(phase.least_devices, len(in_phase))):
        return rollout, ()
    last = number + 1 >= len(policy.phases)
    # Where no device is left that runs the old version, no evidence can come any more.
    if evidence is None and not last and len(in_phase) < len(live):
        return rollout, ()
    if last:
        return _staged(rollout, Done(), evidence or ())
    if phase.approval and not _approved(rollout, number + 1):
        return _staged(rollout, AwaitingApproval(number + 1, evidence or ()), evidence or ())
    return _entered(policy, fleet, rollout, number + 1, evidence or ())


def _entered(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, number: int, evidence: tuple[Finding, ...]) -> Decision:
    rollout, effects = _staged(replace(rollout, phase_rows=0, approval=None), Running(number), evidence)
    return rollout, (*effects, *_covered(policy, fleet, rollout))


def _staged(rollout: Rollout, stage: Stage, evidence: tuple[Finding, ...] = ()) -> Decision:
    return replace(rollout, stage=stage), (RecordStage(stage, rollout.now, evidence),)


def _approved(rollout: Rollout, number: int) -> bool:
    approval = rollout.approval
    return approval is not None and approval.phase == number and rollout.now <= approval.until


def _turned_back(fleet: Fleet, rollout: Rollout, stage: TurnedBack) -> Decision:
    rollout = replace(rollout, stage=stage, approval=None)
    named = [name for name, device in fleet.items() if not device.pinned and rollout.version in (device.assigned, device.installed)]
    return rollout, (RecordStage(stage, rollout.now, stage.evidence), *_sent_back(rollout, stage, named))


def _sent_back(rollout: Rollout, stage: TurnedBack, names: Iterable[str]) -> tuple[Effect, ...]:
    devices = tuple(sorted(names))
    return (SendBack(rollout.previous, devices, stage),) if devices and rollout.previous is not None else ()


def _live(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout) -> dict[str, Device]:
    """Devices that can be counted on."""
    return {name: one for name, one in fleet.items() if not one.pinned and rollout.now - one.heard <= policy.lost_after}


def _covered(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout) -> tuple[Effect, ...]:
    """Assign the version to devices of the phase that were not told yet, also to those that stand in for lost ones."""
    match rollout.stage:
        case Running(phase=number):
            phases = policy.phases[: number + 1]
        case AwaitingApproval(phase=number):
            phases = policy.phases[:number]
        case Done():
            phases = policy.phases
        case Paused() | TurnedBack():
            return ()
    live = _live(policy, fleet, rollout)
    if rollout.previous is None:
        found = frozenset(live)
    else:
        kept = {name for name, device in live.items() if device.assigned == rollout.version}
        groups, strata = ({name: getattr(device, field) for name, device in live.items()} for field in ("group", "stratum"))
        found = members(rollout.seed, phases, groups, kept, strata)
    due = tuple(sorted(name for name in found if live[name].assigned != rollout.version))
    return (Assign(rollout.version, due),) if due else ()


def _told(fleet: Fleet, effects: Iterable[Effect]) -> Fleet:
    """The fleet after assignments that are not entered yet."""
    told = {name: effect.version for effect in effects if isinstance(effect, Assign | SendBack) for name in effect.devices}
    return {name: replace(device, assigned=told.get(name, device.assigned)) for name, device in fleet.items()} if told else fleet


def _met(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, name: str) -> tuple[Effect, ...]:
    """What a device that reports needs at once: a new one a version, one that was away its way back. The rest comes with a tick."""
    device = fleet.get(name)
    if device is None or device.pinned:
        return ()
    if isinstance(rollout.stage, TurnedBack):
        astray = device.assigned == rollout.version or (device.assigned is None and rollout.version == device.installed)
        if astray:
            return _sent_back(rollout, rollout.stage, [name])
    if device.assigned is not None:
        return ()
    whole = rollout.previous is None or (isinstance(rollout.stage, Done) and policy.whole)
    version = rollout.version if whole and not isinstance(rollout.stage, TurnedBack) else rollout.previous
    return (Assign(version, (name,)),) if version is not None else ()


def _commanded(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, command: Command) -> Decision:
    """Carry out an order, or refuse it with a sentence."""
    match command.order, rollout.stage:
        case Order.APPROVE, _:
            return _approve(policy, fleet, rollout, command)
        case Order.PAUSE, Running() | AwaitingApproval() as held:
            return _staged(rollout, Paused(held, command.who, command.why))
        case Order.RESUME, Paused(held=held):
            rollout, effects = _staged(rollout, held)
            return rollout, (*effects, *_covered(policy, fleet, rollout))
        case Order.ABORT, Running() | AwaitingApproval() | Paused():
            return _turned_back(fleet, rollout, TurnedBack(who=command.who, why=command.why))
        case Order.ROLLBACK, Running() | AwaitingApproval() | Paused() | Done() if rollout.previous is not None:
            return _turned_back(fleet, rollout, TurnedBack(who=command.who, why=command.why))
        case Order.ROLLBACK, Done():
            return _refused(rollout, command, "it is the first of its stream, so there is none to go back to", Refusal.NO_EARLIER_VERSION)
        case Order.OFFER_AGAIN, TurnedBack():
            again = replace(rollout, comparisons=(), phase_rows=0, approval=None)
            again, effects = _staged(again, Running(0))
            return again, (*effects, *_covered(policy, fleet, again))
        case _:
            return _refused(rollout, command, f"its rollout is {_NAMES[type(rollout.stage)]}")


def _approve(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, command: Command) -> Decision:
    stage = rollout.stage.held if isinstance(rollout.stage, Paused) else rollout.stage
    until = math.inf if command.until is None else command.until
    match stage:
        case Running(phase=number) | AwaitingApproval(phase=number):
            coming = range(number + isinstance(stage, Running), len(policy.phases))
        case _:
            return _refused(rollout, command, f"its rollout is {_NAMES[type(rollout.stage)]}")
    if command.phase is None or command.phase not in coming:
        told = ", ".join(map(str, coming)) or "none"
        return _refused(rollout, command, f"expected one of the phases to come ({told}), given {command.phase}", Refusal.NO_SUCH_PHASE)
    if until < rollout.now:
        return _refused(rollout, command, f"the approval expired at {_moment(until)}, and it is {_moment(rollout.now)}", Refusal.EXPIRED)
    approved = replace(rollout, approval=Approval(command.phase, command.who, until))
    return _settled(policy, fleet, approved) if isinstance(rollout.stage, AwaitingApproval) else (approved, ())


def _refused(rollout: Rollout, command: Command, why: str, reason: Refusal = Refusal.OTHER_STAGE) -> Decision:
    text = f"Version {rollout.version} of {rollout.stream}: {command.order} changes nothing, because {why}."
    return rollout, (RefuseCommand(command, text, reason),)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_NAMES = {
    Running: "running",
    AwaitingApproval: "awaiting approval",
    Paused: "paused",
    TurnedBack: "turned back",
    Done: "done",
}
