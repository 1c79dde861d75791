"""Title and facts of each event in a chain of causes."""

from __future__ import annotations

from typing import Any

from edgeloop_contracts import (
    Assignment,
    DeviceReport,
    DriftPartial,
    DriftSignal,
    ErrorWindow,
    Event,
    ExampleBatch,
    GateKind,
    Label,
    ModelAdapter,
    ModelCandidate,
    ModelVersion,
    ObservationBatch,
    Occasion,
    RolloutCommand,
    SignalKind,
    StartTraining,
    TrainingRequest,
    TrainingRun,
)

SHORT = 12
Facts = dict[str, Any]


def place(at: str) -> tuple[str, int, int] | None:
    """Topic, partition and offset of ``topic/partition/offset``; ``None`` where it is none.

    >>> place("drift.signals/3/17"), place("somewhere")
    (('drift.signals', 3, 17), None)
    """
    parts = at.rsplit("/", 2)
    if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        return None
    return parts[0], int(parts[1]), int(parts[2])


def title(event: Event) -> str:
    """An event in a few words."""
    match event:
        case DeviceReport():
            learned = f" with adapter {event.adapter}" if event.adapter else ""
            return f"device {event.device_id} serves version {event.version} of {event.stream}{learned}"
        case ModelAdapter():
            return f"labels up to row {event.number} made adapter {event.number}"
        case Assignment():
            return f"rollout assigned version {event.version} to {event.device_id}"
        case ErrorWindow():
            return f"answers of {len(event.counts)} devices were counted"
        case RolloutCommand():
            return f"{event.who or 'somebody'} ordered: {event.order.value.lower()} ({event.why or 'no reason'})"
        case ModelVersion():
            return f"registry made version {event.version}" + (f", which is version {event.recalls} again" if event.recalls else "")
        case ModelCandidate():
            return "trainer offered a candidate"
        case TrainingRun():
            return f"training run: {event.status.value.lower()}"
        case TrainingRequest():
            return _asked(event)
        case DriftSignal():
            return f"drift: {event.detector} saw that {watched(event)} {'rose' if event.rising else 'fell'}"
        case StartTraining():
            return "somebody asked for a training"
        case DriftPartial():
            return f"partial of {event.count} rows of {event.device_id}"
        case ExampleBatch():
            return f"{len(event.seqs)} labelled rows of {event.device_id}"
        case ObservationBatch():
            return f"{event.count} rows of {event.device_id}"
        case Label():
            return f"label of a row of {event.device_id}"
        case _:
            return event.FULLNAME


def facts(event: Event) -> Facts:
    """Details of an event on this way; digests whole."""
    match event:
        case DeviceReport():
            told = {"status": event.status.value, "version": event.version, "digest": event.digest}
            refused = event.refused_version or (f"adapter {event.refused_adapter}" if event.refused_adapter else "")
            return told | ({"refused": refused, "reason": f"{event.reason}: {event.message}"} if refused else {})
        case ModelAdapter():
            alone = {"version_alone": event.alone} if event.alone else {}
            return {"row": event.number, "frame_of_row": event.frame, "rows_in_memory": event.memory_end, "digest": event.digest} | alone
        case Assignment():
            return {"version": event.version, "digest": event.file.digest, "size": event.file.size, "signed_by": event.signed.key_id} | (
                {"sent_back_times": event.serial} if event.serial else {}
            )
        case RolloutCommand():
            return {"command": event.command_id, "order": event.order.value, "who": event.who, "why": event.why}
        case ErrorWindow():
            return {"rows": sum(one.rows for one in event.counts), "wrong": sum(one.errors for one in event.counts)}
        case ModelVersion():
            return {
                "version": event.version,
                "beat_version": event.beat_version,
                **({"recalls": event.recalls} if event.recalls else {}),
                "digest": event.file.digest,
                "rows": event.rows,
                "dataset": event.dataset_digest,
                **event.metrics,
            }
        case ModelCandidate():
            return {
                "request": event.request_id,
                "digest": event.file.digest,
                "champion_version": event.champion_version,
                "rows": event.rows,
            }
        case TrainingRun():
            return {
                "request": event.request_id,
                "wins": event.wins,
                "losses": event.losses,
                "judged": event.judged,
                "decided_at_row": event.row,
                "rows": event.rows,
                "fit_seconds": round(event.fit_seconds, 3),
                **({"recalls": event.recalls} if event.recalls else {}),
                **({"reason": event.reason} if event.reason else {}),
            }
        case TrainingRequest():
            ranges = [f"{event.manifest.topic}/{r.partition}/{r.first_offset}…{r.end_offset}" for r in event.manifest.ranges]
            gate = "the majority class" if event.gate is GateKind.MAJORITY else f"the champion, until row {event.gate_until}"
            return {
                "request": event.request_id,
                "window": ranges,
                "rows": event.manifest.rows,
                "window_ends_at_row": event.row,
                "gate": gate,
            }
        case DriftSignal():
            unit, counted = ("error rate", "answers") if event.kind is SignalKind.ERROR_RATE else ("mean", "blocks of rows")
            told: Facts = {"row": event.row, unit: f"{event.before:.4g} → {event.after:.4g}"}
            told |= {"over": f"the newest {event.since:,} {counted}"} if event.since else {}
            return told | ({"model_version": event.model_version} if event.model_version else {})
        case StartTraining():
            return {"command": event.command_id, "rows": event.rows}
        case DriftPartial():
            batch = f"{event.partition}/{event.offset}"
            return {"errors": event.errors.count(1), "rows": event.count, "model_version": event.model_version, "batch": batch}
        case ExampleBatch():
            versions = sorted(set(event.model_versions))
            return {"seqs": f"{min(event.seqs)}…{max(event.seqs)}" if event.seqs else "", "model_versions": versions}
        case ObservationBatch():
            return {"seqs": f"{event.first_seq}…{event.first_seq + event.count - 1}", "model_version": event.model_version}
        case Label():
            return {"seq": event.seq, "label": event.label}
        case _:
            return {}


def watched(signal: DriftSignal) -> str:
    """Subject of a signal, in plain words.

    >>> watched(DriftSignal(tenant="default", stream="", scope="alone"))
    'the errors of versions without their adapter'
    """
    if signal.kind is SignalKind.INPUT:
        return f"the mean of {signal.feature}"
    match signal.scope:
        case "alone":
            return "the errors of versions without their adapter"
        case "version":
            return f"the errors of version {signal.model_version}"
        case _:
            return "the errors of the stream"


def _asked(request: TrainingRequest) -> str:
    since = f"{request.row - request.opened:,} rows"
    match request.occasion:
        case Occasion.DRIFT:
            return f"retraining asked for a fit, stage {request.stage + 1} of a campaign, {since} after its signal"
        case Occasion.QUIET:
            return f"retraining asked for a quiet fit: {since} without another signal"
        case Occasion.COMMAND:
            return "retraining asked for the fit that somebody wanted"
        case _:
            return f"retraining asked for stage {request.stage + 1} of a campaign"


def shown(value: Any) -> str:
    """A fact in a few characters: digests short, numbers short."""
    match value:
        case float():
            return f"{value:.4g}"
        case list() if len(value) > 4:
            return ", ".join(map(str, value[:4])) + f", … ({len(value)} in all)"
        case list():
            return ", ".join(map(str, value))
        case str() if len(value) == 64 and all(c in "0123456789abcdef" for c in value):
            return value[:SHORT]
        case _:
            return str(value)
