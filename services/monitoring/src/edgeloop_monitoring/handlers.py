"""Handlers of records and of moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import Alert, AlertKind, Cause, topics

from edgeloop_monitoring.core.clock import Clock
from edgeloop_monitoring.core.conditions import ConditionKey, ConditionState, Rule, decide, open_conditions
from edgeloop_monitoring.core.measures import measures
from edgeloop_monitoring.core.views import Views
from edgeloop_monitoring.io.codecs import Undecodable
from edgeloop_monitoring.io.stream import Record
from edgeloop_monitoring.metrics import Metrics

# The topic whose newest record of the stream is named as the cause of an alert.
_CAUSED_BY = {
    AlertKind.ERROR_SHARE: topics.DRIFT_PARTIALS,
    AlertKind.EVENT_AGE: topics.OBSERVATIONS,
    AlertKind.SILENT_DEVICES: topics.OBSERVATIONS,
    AlertKind.DRIFT: topics.DRIFT_SIGNALS,
    AlertKind.REFUSED_MODEL: topics.FLEET_REPORTED,
    AlertKind.FAILED_TRAINING: topics.TRAINING_RUNS,
    AlertKind.OUTLYING_DEVICES: topics.DRIFT_PARTIALS,
    AlertKind.FORGED_CANDIDATE: topics.MODEL_EVENTS,
    AlertKind.IMPOSSIBLE_REPORT: topics.FLEET_REPORTED,
    AlertKind.DOUBTED_DEVICES: topics.DEVICES_DOUBTED,
    AlertKind.LOST_DEVICES: topics.FLEET_HEALTH,
    AlertKind.TWIN_DEVICES: topics.FLEET_HEALTH,
}
RECENT = (topics.OBSERVATIONS, topics.DRIFT_PARTIALS, topics.DRIFT_SIGNALS, topics.TRAINING_RUNS, topics.DEVICES_DOUBTED)
WHOLE = (topics.FLEET_REPORTED, topics.MODEL_EVENTS, topics.FLEET_DEVICES, topics.FLEET_HEALTH)


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """An alert to be written, with what led to it."""

    alert: Alert
    cause: Cause | None


class Monitor:
    """Folds records, and judges the windows that end.

    Parameters
    ----------
    views, rules, metrics
        As wired.
    published
        All alerts that were ever published and are kept, in order. Open ones keep their ids.
    bucket_ms
        Conditions are judged once a bucket has ended.
    """

    def __init__(self, views: Views, rules: Mapping[AlertKind, Rule], metrics: Metrics, published: Iterable[Alert], bucket_ms: int) -> None:
        self._views = views
        self._rules = rules
        self._metrics = metrics
        self._bucket_ms = bucket_ms
        self._clock = Clock()
        self._judged = 0
        self._states: dict[ConditionKey, ConditionState] = open_conditions(published)
        self._causes: dict[tuple[str, str, str], Cause] = {}

    def fold(self, record: Record) -> bool:
        """Fold one record; whether it was not folded before."""
        broken = isinstance(record.event, Undecodable)
        event: Any = None if broken else record.event
        if not self._views.fold(record.topic, record.partition, record.offset, record.timestamp, event):
            return False
        self._metrics.handled.labels(record.topic).inc()
        if broken:
            self._metrics.undecodable.labels(record.topic, record.event.reason).inc()
        elif event is not None:
            stream = getattr(event, "stream", "")  # devices of the fleet belong to no stream
            self._causes[event.tenant, stream, record.topic] = record.cause
        return True

    def position(self, topic: str, partition: int) -> int:
        """Offset after the last record folded of a partition."""
        return self._views.ends.get((topic, partition), 0)

    def moment(self, monotonic_s: float) -> list[AlertMessage]:
        """Judge the newest window, if one has ended since the last time; give back what is to be told."""
        self._clock.advance(self._views.newest, monotonic_s)
        now = self._clock.now(monotonic_s)
        if now // self._bucket_ms <= self._judged:
            return []
        self._judged = now // self._bucket_ms
        summary = self._views.summary(now)
        self._states, alerts = decide(self._states, measures(summary), self._rules, summary.end)
        self._metrics.show(summary, [s.alert for s in self._states.values() if s.alert])
        for alert in alerts:
            self._metrics.alerts.labels(alert.kind.value, alert.status.value).inc()
        return [AlertMessage(a, self._causes.get((a.tenant, a.stream, _CAUSED_BY[a.kind].name))) for a in alerts]
