"""Conditions that raise and clear an alert.

A condition has two thresholds and two patiences, so that a value that wavers around a limit makes one alert and not many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeloop_contracts import Alert, AlertKind, AlertStatus

from edgeloop_monitoring.core.measures import Measure
from edgeloop_monitoring.core.subjects import Subject

ConditionKey = tuple[AlertKind, Subject]


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one kind of measure.

    Attributes
    ----------
    raise_at, clear_at
        It begins to hold at ``value >= raise_at`` and ends to hold at ``value <= clear_at``, which is smaller.
    raise_after_ms, clear_after_ms
        How long it must hold, or not hold, before that is told.
    samples
        A value on fewer says nothing, and counts as fine.
    says
        Sentence for people; ``{value}`` and ``{samples}`` are filled in.
    """

    raise_at: float
    clear_at: float
    raise_after_ms: int
    clear_after_ms: int
    samples: int
    says: str


@dataclass(frozen=True, slots=True)
class ConditionState:
    """State of one condition for one subject.

    Attributes
    ----------
    alert
        The alert that is open, if one is.
    turning
        Since when the value has been on the other side; ``None`` while it is not.
    """

    alert: Alert | None = None
    turning: int | None = None


def decide(
    states: Mapping[ConditionKey, ConditionState], found: Iterable[Measure], rules: Mapping[AlertKind, Rule], now: int
) -> tuple[dict[ConditionKey, ConditionState], list[Alert]]:
    """Judge all measures of one moment.

    Parameters
    ----------
    states
        As the last moment left them.
    found
        Measures; a subject with an open alert and without a measure has gone, and is fine.
    rules
        By kind; a kind without a rule is not judged.
    now
        End of the window that was measured, milliseconds.

    Returns
    -------
    The new states, and what is to be told.
    """
    measured = {(m.kind, m.subject): m for m in found if m.kind in rules}
    gone = {key: Measure(*key, 0.0, 0) for key in states if key not in measured and key[0] in rules}
    after: dict[ConditionKey, ConditionState] = {}
    alerts: list[Alert] = []
    for key, measure in sorted({**measured, **gone}.items(), key=lambda item: (item[0][0].value, item[0][1])):
        state, alert = _judge(states.get(key, ConditionState()), measure, rules[key[0]], now)
        if state != ConditionState():
            after[key] = state
        if alert is not None:
            alerts.append(alert)
    return after, alerts


def _judge(state: ConditionState, measure: Measure, rule: Rule, now: int) -> tuple[ConditionState, Alert | None]:
    enough = measure.samples >= rule.samples
    if state.alert is None:
        if not (enough and measure.value >= rule.raise_at):
            return ConditionState(), None
        since = now if state.turning is None else state.turning
        if now - since < rule.raise_after_ms:
            return ConditionState(turning=since), None
        alert = _alert(measure, rule.raise_at, AlertStatus.RAISED, since, now, identify(measure.kind, measure.subject, since), rule)
        return ConditionState(alert), alert
    if enough and measure.value > rule.clear_at:
        return ConditionState(state.alert), None
    since = now if state.turning is None else state.turning
    if now - since < rule.clear_after_ms:
        return ConditionState(state.alert, since), None
    opened = state.alert
    return ConditionState(), _alert(measure, rule.clear_at, AlertStatus.CLEARED, opened.since, now, opened.alert_id, rule)


def identify(kind: AlertKind, subject: Subject, since: int) -> str:
    """Id of the alert on ``subject`` that began at ``since``: the same for whoever judges the same windows."""
    parts = (kind.value, subject.tenant, subject.stream, subject.group, str(subject.version), str(since))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def open_conditions(alerts: Iterable[Alert]) -> dict[ConditionKey, ConditionState]:
    """Alerts that are open, from all alerts in the order in which they were told."""
    opened: dict[ConditionKey, ConditionState] = {}
    for alert in alerts:
        key = (alert.kind, Subject(alert.tenant, alert.stream, alert.device_group or "", alert.model_version or 0))
        if alert.status is AlertStatus.RAISED:
            opened[key] = ConditionState(alert)
        else:
            opened.pop(key, None)
    return opened


def _alert(measure: Measure, threshold: float, status: AlertStatus, since: int, now: int, alert_id: str, rule: Rule) -> Alert:
    subject = measure.subject
    return Alert(
        tenant=subject.tenant,
        stream=subject.stream,
        alert_id=alert_id,
        kind=measure.kind,
        status=status,
        device_group=subject.group or None,
        model_version=subject.version or None,
        value=measure.value,
        threshold=threshold,
        samples=measure.samples,
        since=since,
        at=now,
        devices=measure.devices,
        message=rule.says.format(value=measure.value, samples=measure.samples),
    )
