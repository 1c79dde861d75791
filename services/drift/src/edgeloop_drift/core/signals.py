"""Alarms as events."""

from __future__ import annotations

import hashlib

from edgeloop_contracts import DriftSignal, SignalKind

from edgeloop_drift.core.pooled_detectors import ErrorAlarm, InputAlarm


def error_signal(tenant: str, stream: str, alarm: ErrorAlarm) -> DriftSignal:
    """The signal of an error detector."""
    places = [f"{p.partition}/{p.offset}/{p.index}" for p in alarm.positions]
    return DriftSignal(
        tenant=tenant,
        stream=stream,
        signal_id=_id(tenant, stream, "errors", alarm.detector, str(alarm.version), str(alarm.row), *places),
        kind=SignalKind.ERROR_RATE,
        detector=alarm.detector,
        model_version=alarm.version,
        row=alarm.row,
        positions=alarm.positions,
        rising=alarm.change.rising,
        before=alarm.change.before,
        after=alarm.change.after,
        since=alarm.change.since or None,
        scope=alarm.scope,
    )


def input_signal(tenant: str, stream: str, detector: str, feature: str, alarm: InputAlarm) -> DriftSignal:
    """The signal of an input detector; ``feature`` is the feature's name."""
    return DriftSignal(
        tenant=tenant,
        stream=stream,
        signal_id=_id(tenant, stream, "input", detector, str(alarm.feature), str(alarm.row)),
        kind=SignalKind.INPUT,
        detector=detector,
        feature=feature,
        row=alarm.row,
        rising=alarm.change.rising,
        before=alarm.change.before,
        after=alarm.change.after,
        since=alarm.change.since or None,
    )


def _id(*inputs: str) -> str:
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:32]
