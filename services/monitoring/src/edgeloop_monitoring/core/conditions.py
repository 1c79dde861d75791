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

About = tuple[AlertKind, Subject]


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
class Standing:
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
    standings: Mapping[About, Standing], found: Iterable[Measure], rules: Mapping[AlertKind, Rule], now: int
) -> tuple[dict[About, Standing], list[Alert]]:
    """Judge all measures of one moment.

    Parameters
    ----------
    standings
        As the last moment left them.
    found
        Measures; a subject with an open alert and without a measure has gone, and is fine.
    rules
        By kind; a kind without a rule is not judged.
    now
        End of the window that was measured, milliseconds.

    Returns
    -------
    The new standings, and what is to be told.
    """
    measured = {(m.kind, m.subject): m for m in found if m.kind in rules}
    gone = {about: Measure(*about, 0.0, 0) for about in standings if about not in measured and about[0] in rules}
    after: dict[About, Standing] = {}
    told: list[Alert] = []
    for about, measure in sorted({**measured, **gone}.items(), key=lambda item: (item[0][0].value, item[0][1])):
        standing, alert = _judge(standings.get(about, Standing()), measure, rules[about[0]], now)
        if standing != Standing():
            after[about] = standing
        if alert is not None:
            told.append(alert)
    return after, told


def _judge(standing: Standing, measure: Measure, rule: Rule, now: int) -> tuple[Standing, Alert | None]:
    enough = measure.samples >= rule.samples
    if standing.alert is None:
        if not (enough and measure.value >= rule.raise_at):
            return Standing(), None
        since = now if standing.turning is None else standing.turning
        if now - since < rule.raise_after_ms:
            return Standing(turning=since), None
        alert = _alert(measure, rule.raise_at, AlertStatus.RAISED, since, now, identify(measure.kind, measure.subject, since), rule)
        return Standing(alert), alert
    if enough and measure.value > rule.clear_at:
        return Standing(standing.alert), None
    since = now if standing.turning is None else standing.turning
    if now - since < rule.clear_after_ms:
        return Standing(standing.alert, since), None
    opened = standing.alert
    return Standing(), _alert(measure, rule.clear_at, AlertStatus.CLEARED, opened.since, now, opened.alert_id, rule)


def identify(kind: AlertKind, subject: Subject, since: int) -> str:
    """Id of the alert on ``subject`` that began at ``since``: the same for whoever judges the same windows."""
    parts = (kind.value, subject.tenant, subject.stream, subject.group, str(subject.version), str(since))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def standings_of(alerts: Iterable[Alert]) -> dict[About, Standing]:
    """Alerts that are open, from all alerts in the order in which they were told."""
    opened: dict[About, Standing] = {}
    for alert in alerts:
        about = (alert.kind, Subject(alert.tenant, alert.stream, alert.device_group or "", alert.model_version or 0))
        if alert.status is AlertStatus.RAISED:
            opened[about] = Standing(alert)
        else:
            opened.pop(about, None)
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
