"""Rollouts as their facts tell them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from edgeloop_contracts import RolloutEvent
from edgeloop_contracts.events import RolloutFact, RolloutFinding

from edgeloop_cli.core.event_text import moment

_STAGES = {
    RolloutFact.STARTED: "running",
    RolloutFact.PHASE_BEGUN: "running",
    RolloutFact.RESUMED: "running",
    RolloutFact.OFFERED: "running",
    RolloutFact.AWAITING_APPROVAL: "awaiting approval",
    RolloutFact.PAUSED: "paused",
    RolloutFact.TURNED_BACK: "turned back",
    RolloutFact.DONE: "done",
}


@dataclass(frozen=True, slots=True)
class Rollout:
    """The newest rollout of a stream.

    Attributes
    ----------
    phase, phases
        Phase, counted from 1, and number of phases.
    at
        Record time of the newest stage, milliseconds.
    turned_back
        Versions that were turned back and not offered again.
    pinned
        Version of each pinned device.
    facts
        All facts of the stream.
    """

    tenant: str
    stream: str
    version: int = 0
    previous: int = 0
    stage: str = ""
    phase: int = 0
    phases: int = 0
    at: int = 0
    turned_back: frozenset[int] = frozenset()
    pinned: dict[str, int] = field(default_factory=dict[str, int])
    facts: tuple[RolloutEvent, ...] = ()


def rollouts(facts: Iterable[RolloutEvent], tenant: str) -> dict[str, Rollout]:
    """The rollouts of a tenant, by stream."""
    found: dict[str, Rollout] = {}
    for fact in facts:
        if fact.tenant == tenant and fact.stream:
            found[fact.stream] = _after(found.get(fact.stream, Rollout(tenant, fact.stream)), fact)
    return dict(sorted(found.items()))


def _after(rollout: Rollout, fact: RolloutEvent) -> Rollout:
    rollout = replace(rollout, facts=(*rollout.facts, fact))
    if (stage := _STAGES.get(fact.kind)) is not None:
        back = rollout.turned_back - {fact.version} | ({fact.version} if fact.kind is RolloutFact.TURNED_BACK else frozenset[int]())
        where = {"version": fact.version, "previous": fact.previous, "phase": fact.phase, "phases": fact.phases}
        return replace(rollout, stage=stage, at=fact.at, turned_back=back, **where)
    if fact.kind is RolloutFact.PINNED:
        return replace(rollout, pinned=rollout.pinned | {fact.device_id: fact.version})
    if fact.kind is RolloutFact.UNPINNED:
        return replace(rollout, pinned={name: version for name, version in rollout.pinned.items() if name != fact.device_id})
    return rollout


def place(rollout: Rollout) -> str:
    """Stage and phase in a few words.

    >>> place(Rollout("t", "s", stage="running", phase=2, phases=3)), place(Rollout("t", "s", stage="done"))
    ('running, phase 2 of 3', 'done')
    """
    return f"{rollout.stage}, phase {rollout.phase} of {rollout.phases}" if rollout.phase else rollout.stage or "no stage yet"


def line(fact: RolloutEvent) -> str:
    """A fact in one line."""
    words = [moment(fact.at), fact.kind.value.lower().replace("_", " ")]
    if fact.version:
        words.append(f"version {fact.version}")
    if fact.phase:
        words.append(f"phase {fact.phase}" + (f" of {fact.phases}" if fact.phases else ""))
    if fact.device_id:
        words.append(f"device {fact.device_id}")
    if fact.devices:
        words.append(f"{fact.devices} devices told")
    if fact.who:
        words.append(f"by {fact.who}" + (f": {fact.why}" if fact.why else ""))
    if fact.reason:
        words.append(f"{fact.reason}: {fact.message}")
    return ", ".join(words)


def evidence(finding: RolloutFinding) -> str:
    """A comparison in one line.

    >>> evidence(RolloutFinding(metric="errors", old_rows=200, old_errors=20, new_rows=100, new_errors=30, difference=0.2, lower=0.1, upper=0.3))
    'errors: 30 of 100 new rows, 20 of 200 old rows, +20.0 points (+10.0 to +30.0)'
    """
    where = f" in group {finding.device_group}" if finding.device_group else ""
    points = f"{100 * finding.difference:+.1f} points ({100 * finding.lower:+.1f} to {100 * finding.upper:+.1f})"
    rows = f"{finding.new_errors} of {finding.new_rows} new rows, {finding.old_errors} of {finding.old_rows} old rows"
    return f"{finding.metric}{where}: {rows}, {points}"


def as_object(rollout: Rollout, *, facts: bool = False) -> dict[str, Any]:
    """For programs."""
    told: dict[str, Any] = {
        "tenant": rollout.tenant,
        "stream": rollout.stream,
        "version": rollout.version,
        "previous": rollout.previous or None,
        "stage": rollout.stage or None,
        "phase": rollout.phase or None,
        "phases": rollout.phases,
        "at": moment(rollout.at) if rollout.at else None,
        "turned_back": sorted(rollout.turned_back),
        "pinned": rollout.pinned,
    }
    return told | ({"facts": [fact.as_dict() for fact in rollout.facts]} if facts else {})
