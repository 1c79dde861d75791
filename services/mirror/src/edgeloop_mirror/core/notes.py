"""Content of a run in MLflow, and the tags that identify it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeloop_contracts import RunStatus, StreamDefinition, StreamKey, TrainingRequest, TrainingRun

KEY = "edgeloop.key"
DIGEST = "edgeloop.digest"
MODEL = "edgeloop.model"
_DIGEST_CHARACTERS = 32  # MLflow allows 36 for a dataset
_ODD = re.compile(r"[^\w.\- /]")
_GATE = "gate_"

ENDED: Mapping[RunStatus, str] = {
    RunStatus.PROMOTED: "FINISHED",
    RunStatus.REJECTED: "FINISHED",
    RunStatus.TRIAL: "FINISHED",
    RunStatus.FAILED: "FAILED",
}
"""MLflow's status of an ended run. A run whose challenger is at the gate goes on."""


@dataclass(frozen=True, slots=True)
class Note:
    """The content of one write to a run.

    Attributes
    ----------
    tags, parameters, metrics
        In MLflow's form.
    step
        The labelled row of the metrics.
    """

    tags: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    step: int = 0


def experiment(head: str, event: TrainingRun) -> str:
    """Name of the experiment of a stream's runs."""
    return f"{head}/{StreamKey.of(event)}"


def key(event: TrainingRun) -> str:
    """Key of an event's run: equal for all events of a request, and distinct for each search step."""
    parts = [event.tenant, event.stream, event.request_id, *([str(event.trial)] if event.status is RunStatus.TRIAL else [])]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_DIGEST_CHARACTERS]


def same(event: TrainingRun, tags: Mapping[str, str]) -> bool:
    """Check that a run with the event's key is the event's own: if both have a model, it is the same."""
    found = tags.get(DIGEST, "")
    return not found or not event.file or found == event.file.digest


def mark(event: TrainingRun) -> str:
    """Tag of a mirrored event of this status; its value is the event's place."""
    return f"edgeloop.at.{event.status.value.lower()}"


def name(event: TrainingRun) -> str:
    """Name of a run, for people."""
    if event.status is RunStatus.TRIAL:
        return f"trial {event.trial}"
    return f"{event.campaign[:12]}/{event.stage}"


def model_name(event: TrainingRun) -> str:
    """Name of a run's model; MLflow allows few characters in it."""
    return re.sub(r"[^\w\-]+", "-", f"{event.stream}-{name(event)}")


def first_tags(event: TrainingRun) -> dict[str, str]:
    """Tags of a new run."""
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
    """Content that an event adds to its run; ``at`` is its place."""
    tags = {"edgeloop.status": event.status.value, "edgeloop.dataset_digest": event.dataset_digest, mark(event): at}
    if event.file:
        tags |= {DIGEST: event.file.digest, "edgeloop.classes": json.dumps(list(event.classes))}
    if event.recalls:
        tags["edgeloop.recalls"] = str(event.recalls)
    if event.reason:
        tags |= {"edgeloop.reason": event.reason, "mlflow.note.content": event.reason}
    if event.status in (RunStatus.PROMOTED, RunStatus.REJECTED):
        # The metrics of the fit were written with the status FITTED.
        gate = {name: value for name, value in event.metrics.items() if name.startswith(_GATE)}
        judged = {"wins": float(event.wins), "losses": float(event.losses), "judged": float(event.judged)}
        tags["edgeloop.champion_version"] = str(event.champion_version or 0)
        return Note(tags, {}, gate | judged, event.row)
    metrics = {**event.metrics, "rows": float(event.rows), "fit_seconds": event.fit_seconds}
    return Note(tags, parameters(event), metrics, event.row)


def parameters(event: TrainingRun) -> dict[str, str]:
    """Parameters of a run; MLflow allows few characters in their names."""
    return {_ODD.sub("_", name): value for name, value in event.parameters.items()}


@dataclass(frozen=True, slots=True)
class DatasetNote:
    """The rows of a run's fit as a dataset of MLflow; the texts are JSON.

    Attributes
    ----------
    name, digest
        The stream, and the first characters of the rows' digest, as many as MLflow allows.
    source
        The manifest: cluster, topic and ranges of offsets, which give the same rows again.
    schema
        Columns; empty if the definition is gone.
    profile
        Number of rows, and the full digest.
    """

    name: str
    digest: str
    source: str
    schema: str
    profile: str


def dataset(event: TrainingRun, request: TrainingRequest | None, definition: StreamDefinition | None) -> DatasetNote:
    """The dataset of a run, with the parts of request and definition that still exist."""
    manifest = request.manifest.as_dict() if request else {}
    columns = [{"type": "float", "name": feature.name, "required": False} for feature in definition.features] if definition else []
    profile = {"num_rows": event.rows, "sha256": event.dataset_digest}
    return DatasetNote(
        name=StreamKey.of(event),
        digest=event.dataset_digest[:_DIGEST_CHARACTERS],
        source=json.dumps({**manifest, "digest": event.dataset_digest}),
        schema=json.dumps({"mlflow_colspec": columns}) if columns else "",
        profile=json.dumps(profile),
    )
