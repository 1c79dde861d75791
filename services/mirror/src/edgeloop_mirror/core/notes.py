"""What MLflow is told of a run, and by which tags its run is found again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeloop_contracts import RunStatus, StreamDefinition, TrainingRequest, TrainingRun

KEY = "edgeloop.key"
DIGEST = "edgeloop.digest"
MODEL = "edgeloop.model"
_DIGEST_CHARACTERS = 32  # MLflow takes no more than 36 for a dataset
_ODD = re.compile(r"[^\w.\- /]")
_GATE = "gate_"

ENDED: Mapping[RunStatus, str] = {
    RunStatus.PROMOTED: "FINISHED",
    RunStatus.REJECTED: "FINISHED",
    RunStatus.TRIAL: "FINISHED",
    RunStatus.FAILED: "FAILED",
}
"""How MLflow calls the end of a run; one that waits at the gate goes on."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is written to a run.

    Attributes
    ----------
    tags, parameters, metrics
        As MLflow takes them.
    step
        Of the metrics: the labelled row at which they were taken.
    """

    tags: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    step: int = 0


def experiment(head: str, event: TrainingRun) -> str:
    """Name of the experiment that a stream's runs stand in."""
    return f"{head}/{event.tenant}/{event.stream}"


def key(event: TrainingRun) -> str:
    """By which an event's run is found: equal for all events of one request, but another one for each trial."""
    parts = [event.tenant, event.stream, event.request_id, *([str(event.trial)] if event.status is RunStatus.TRIAL else [])]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGEST_CHARACTERS]


def same(event: TrainingRun, tags: Mapping[str, str]) -> bool:
    """Whether a run with the event's key is the event's: its model is the same, as far as both have one."""
    found = tags.get(DIGEST, "")
    return not found or not event.file or found == event.file.digest


def mark(event: TrainingRun) -> str:
    """Tag that says that an event of this status has been mirrored; its value is the event's place."""
    return f"edgeloop.at.{event.status.value.lower()}"


def name(event: TrainingRun) -> str:
    """Of a run, for people."""
    if event.status is RunStatus.TRIAL:
        return f"trial {event.trial}"
    return f"{event.campaign[:12]}/{event.stage}"


def model_name(event: TrainingRun) -> str:
    """Of a run's model; MLflow allows few characters in it."""
    return re.sub(r"[^\w\-]+", "-", f"{event.stream}-{name(event)}")


def first_tags(event: TrainingRun) -> dict[str, str]:
    """Of a new run."""
    return {
        KEY: key(event),
        "edgeloop.request_id": event.request_id,
        "edgeloop.campaign": event.campaign,
        "edgeloop.stage": str(event.stage),
        "edgeloop.tenant": event.tenant,
        "edgeloop.stream": event.stream,
        "mlflow.source.name": "edgeloop trainer",
        "mlflow.source.type": "JOB",
        "mlflow.user": "edgeloop",
    }


def note(event: TrainingRun, at: str) -> Note:
    """What an event adds to its run; ``at`` is its place."""
    tags = {"edgeloop.status": event.status.value, "edgeloop.dataset_digest": event.dataset_digest, mark(event): at}
    if event.file:
        tags |= {DIGEST: event.file.digest, "edgeloop.classes": json.dumps(list(event.classes))}
    if event.recalls:
        tags["edgeloop.recalls"] = str(event.recalls)
    if event.reason:
        tags |= {"edgeloop.reason": event.reason, "mlflow.note.content": event.reason}
    if event.status in (RunStatus.PROMOTED, RunStatus.REJECTED):
        # What the fit told stands there since the run was fitted.
        gate = {name: value for name, value in event.metrics.items() if name.startswith(_GATE)}
        judged = {"wins": float(event.wins), "losses": float(event.losses), "judged": float(event.judged)}
        tags["edgeloop.champion_version"] = str(event.champion_version)
        return Note(tags, {}, gate | judged, event.row)
    metrics = {**event.metrics, "rows": float(event.rows), "fit_seconds": event.fit_seconds}
    return Note(tags, parameters(event), metrics, event.row)


def parameters(event: TrainingRun) -> dict[str, str]:
    """Of a run; MLflow allows few characters in their names."""
    return {_ODD.sub("_", name): value for name, value in event.parameters.items()}


@dataclass(frozen=True, slots=True)
class DatasetNote:
    """The rows that a run was fitted on, as MLflow describes a dataset; texts are JSON.

    Attributes
    ----------
    name, digest
        The stream, and as much of the rows' digest as MLflow takes.
    source
        The manifest: cluster, topic and ranges of offsets, from which the same rows can be read again.
    schema
        Columns; empty where the definition is not kept any more.
    profile
        Number of rows, and the whole digest.
    """

    name: str
    digest: str
    source: str
    schema: str
    profile: str


def dataset(event: TrainingRun, request: TrainingRequest | None, definition: StreamDefinition | None) -> DatasetNote:
    """The dataset of a run, as far as request and definition are still there."""
    manifest = request.manifest.as_dict() if request else {}
    columns = [{"type": "float", "name": feature.name, "required": False} for feature in definition.features] if definition else []
    profile = {"num_rows": event.rows, "sha256": event.dataset_digest}
    return DatasetNote(
        name=f"{event.tenant}/{event.stream}",
        digest=event.dataset_digest[:_DIGEST_CHARACTERS],
        source=json.dumps({**manifest, "digest": event.dataset_digest}),
        schema=json.dumps({"mlflow_colspec": columns}) if columns else "",
        profile=json.dumps(profile),
    )
