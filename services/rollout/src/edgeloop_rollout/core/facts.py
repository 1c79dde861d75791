"""Facts of rollouts, as other programs and people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from edgeloop_contracts import RolloutCommand, RolloutEvent, StreamKey
from edgeloop_contracts.events import RolloutFact, RolloutFinding
from edgeloop_contracts.texts import cut

from edgeloop_rollout.core.judgement import Finding
from edgeloop_rollout.core.rollout_states import (
    AwaitingApproval,
    Command,
    Done,
    Order,
    Paused,
    Refusal,
    Rollout,
    Running,
    Stage,
    TurnedBack,
)

SHOWN = 200
Kind = RolloutFact


def stage_fact(stream: StreamKey, rollout: Rollout, kind: Kind, evidence: Iterable[Finding], at: int) -> RolloutEvent:
    """A stage that a rollout has come to, with the evidence that led there."""
    stage = rollout.stage.held if isinstance(rollout.stage, Paused) else rollout.stage
    findings = tuple(evidence)
    return RolloutEvent(
        tenant=stream.tenant,
        stream=stream.stream,
        kind=kind,
        version=rollout.version,
        previous=rollout.previous or 0,
        phase=stage.phase + 1 if isinstance(stage, Running | AwaitingApproval) else 0,
        evidence=tuple(_finding(rollout, one) for one in findings),
        message=cut("; ".join(map(str, findings))),
        at=at,
    )


def answer(stream: StreamKey, command: RolloutCommand, kind: Kind, at: int, **more: Any) -> RolloutEvent:
    """The answer to an order that was carried out."""
    fact = RolloutEvent(tenant=stream.tenant, stream=stream.stream, kind=kind, device_id=cut(command.device_id, SHOWN), at=at, **more)
    return answering(fact, command)


def refusal(stream: StreamKey, command: RolloutCommand, reason: Refusal, message: str, at: int) -> RolloutEvent:
    """The answer to an order that was not carried out."""
    return answer(stream, command, Kind.REFUSED, at, version=command.version, reason=reason.value, message=cut(message))


def answering(fact: RolloutEvent, command: RolloutCommand) -> RolloutEvent:
    """A fact that an order led to."""
    return replace(fact, command_id=command.command_id, who=cut(command.who, SHOWN), why=cut(command.why, SHOWN))


def kind_of(stage: Stage, command: Command | None, *, begun: bool) -> Kind:
    """Kind of the fact that a rollout has come to a stage."""
    match stage, command:
        case _, Command(order=Order.RESUME):
            return Kind.RESUMED
        case _, Command(order=Order.OFFER_AGAIN):
            return Kind.OFFERED
        case Running(), _:
            return Kind.STARTED if begun else Kind.PHASE_BEGUN
        case AwaitingApproval(), _:
            return Kind.AWAITING_APPROVAL
        case Paused(), _:
            return Kind.PAUSED
        case TurnedBack(), _:
            return Kind.TURNED_BACK
        case Done(), _:
            return Kind.DONE


def _finding(rollout: Rollout, finding: Finding) -> RolloutFinding:
    found = dict(rollout.comparisons).get((finding.metric, finding.group, finding.side))
    return RolloutFinding(
        metric=finding.metric,
        device_group=finding.group or "",
        old_rows=finding.old_rows,
        old_errors=found.old_events if found else 0,
        new_rows=finding.new_rows,
        new_errors=found.new_events if found else 0,
        difference=finding.difference,
        lower=finding.lower,
        upper=finding.upper,
        alpha=finding.alpha,
        log_evidence=finding.log_evidence,
    )
