"""A rollout as its record in the state, and back."""

from __future__ import annotations

import math
import struct

from edgeloop_contracts.events import RolloutApproval, RolloutComparison, RolloutStage, RunningRollout

from edgeloop_rollout.core.judgement import Direction
from edgeloop_rollout.core.rollout_states import Approval, AwaitingApproval, Done, Paused, Rollout, Running, Stage, TurnedBack
from edgeloop_rollout.core.sequential_test import BETS, Comparison

_BETS = struct.Struct(f"<{4 * BETS}d")


def rollout_of(stream: str, record: RunningRollout) -> Rollout:
    """The rollout that a record holds."""
    return Rollout(
        stream=stream,
        version=record.version,
        previous=record.previous,
        stage=_stage_of(record),
        now=record.now / 1000,
        comparisons=tuple(
            ((one.metric, one.device_group, Direction(one.side)), _comparison_of(one))
            for one in record.comparisons
            if len(one.bets) == _BETS.size
        ),
        phase_rows=record.phase_rows,
        approval=_approval_of(record.approval) if record.approval is not None else None,
    )


def record_of(rollout: Rollout) -> RunningRollout:
    """The record of a rollout, without rows that wait for a comparison. Findings are in ``rollout.events``; the state does without them."""
    stage = rollout.stage.held if isinstance(rollout.stage, Paused) else rollout.stage
    by = rollout.stage if isinstance(rollout.stage, Paused | TurnedBack) else None
    approval = rollout.approval
    return RunningRollout(
        version=rollout.version,
        previous=rollout.previous,
        stage=_STAGES[type(stage)],
        paused=isinstance(rollout.stage, Paused),
        phase=stage.phase + 1 if isinstance(stage, Running | AwaitingApproval) else 1,
        who=(by.who or "") if by is not None else "",
        why=by.why if by is not None else "",
        now=round(rollout.now * 1000),
        phase_rows=rollout.phase_rows,
        approval=None if approval is None else RolloutApproval(phase=approval.phase + 1, who=approval.who, until=_ms(approval.until)),
        comparisons=tuple(
            RolloutComparison(
                metric=metric,
                device_group=group,
                side=side.value,
                old_rows=one.old_rows,
                old_errors=one.old_events,
                new_rows=one.new_rows,
                new_errors=one.new_events,
                bets=_BETS.pack(*one.growth, *one.stake),
            )
            for (metric, group, side), one in rollout.comparisons
        ),
    )


_STAGES = {
    Running: RolloutStage.RUNNING,
    AwaitingApproval: RolloutStage.AWAITING_APPROVAL,
    TurnedBack: RolloutStage.TURNED_BACK,
    Done: RolloutStage.DONE,
}


def _stage_of(record: RunningRollout) -> Stage:
    match record.stage:
        case RolloutStage.TURNED_BACK:
            return TurnedBack(who=record.who or None, why=record.why)
        case RolloutStage.DONE:
            return Done()
        case RolloutStage.RUNNING:
            held: Running | AwaitingApproval = Running(record.phase - 1)
        case RolloutStage.AWAITING_APPROVAL:
            held = AwaitingApproval(record.phase - 1)
    return Paused(held, record.who, record.why) if record.paused else held


def _comparison_of(record: RolloutComparison) -> Comparison:
    numbers = _BETS.unpack(record.bets)
    growth, stake = numbers[: 2 * BETS], numbers[2 * BETS :]
    return Comparison(record.old_rows, record.old_errors, record.new_rows, record.new_errors, growth, stake)


def _approval_of(record: RolloutApproval) -> Approval:
    return Approval(record.phase - 1, record.who, math.inf if record.until is None else record.until / 1000)


def _ms(seconds: float) -> int | None:
    return None if math.isinf(seconds) else round(seconds * 1000)
