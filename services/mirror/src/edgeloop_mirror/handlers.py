"""Handler of runs and versions: it writes each to MLflow once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from edgeloop_contracts import ModelVersion, RunStatus, TrainingRun
from edgeloop_kafka import Received
from edgeloop_streaming import BackpressureError

from edgeloop_mirror.core import notes, versions
from edgeloop_mirror.io.signatures import Signatures
from edgeloop_mirror.io.sources import Sources
from edgeloop_mirror.io.tracking import ModelNote, Tracking, TrackingRefusedError, TrackingUnavailableError
from edgeloop_mirror.metrics import Metrics


class Mirror:
    """Copies each event of ``training.runs`` and each version to MLflow; a repeated event changes nothing.

    An event is marked in its run once it is complete, and each step before may be repeated, so a crash does no harm. While MLflow cannot
    be reached, the event and those behind it wait. Runs and versions may arrive in any order: the first one creates the run and stores
    the model.

    Parameters
    ----------
    tracking, sources, signatures, metrics, log
        Its collaborators.
    experiment
        Prefix of the names of experiments and registered models.
    retry_s
        Seconds between two attempts at an event.
    clock
        Monotonic clock, in seconds.
    """

    def __init__(
        self,
        tracking: Tracking,
        sources: Sources,
        signatures: Signatures,
        metrics: Metrics,
        log: Any,
        experiment: str,
        retry_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tracking = tracking
        self._sources = sources
        self._signatures = signatures
        self._metrics = metrics
        self._log = log
        self._experiment = experiment
        self._retry_s = retry_s
        self._clock = clock

    def handle(self, received: Received[Any]) -> None:
        """Mirror one event.

        Raises
        ------
        BackpressureError
            MLflow cannot be reached, or cannot carry out a request.
        """
        match received.event:
            case TrainingRun() as event:
                status, mirror = event.status.value.lower(), self._mirror
            case ModelVersion():
                status, mirror = "version", self._version
            case _:  # a refused candidate, whose run has its end
                return
        try:
            mirror(received)
        except TrackingUnavailableError as error:
            self._metrics.waits.inc()
            self._log.warning("event not mirrored: trying again", at=received.at, error=str(error), seconds=self._retry_s)
            until = self._clock() + self._retry_s
            raise BackpressureError(lambda: self._clock() >= until) from error
        except TrackingRefusedError as error:
            self._metrics.refused.inc()
            self._log.error("MLflow refused an event", at=received.at, error=str(error))
        else:
            self._metrics.mirrored.labels(status).inc()

    def _mirror(self, received: Received[TrainingRun]) -> None:
        event = received.event
        parent = ""
        if event.status is RunStatus.TRIAL:
            # The run of the request, whose own events follow.
            asked = TrainingRun(
                tenant=event.tenant, stream=event.stream, request_id=event.request_id, campaign=event.campaign, stage=event.stage
            )
            parent, _ = self._run(asked, received.timestamp)
        run_id, tags = self._run(event, received.timestamp, parent)
        if notes.mark(event) in tags:
            return
        note = notes.note(event, received.at)
        if event.status is RunStatus.FITTED:
            request, definition = self._sources.request(received), self._sources.definition(event)
            self._tracking.dataset(run_id, notes.dataset(event, request, definition))
            note.tags[notes.MODEL] = self._model(run_id, event, note.parameters)
        if event.status in notes.ENDED:
            self._tracking.end(run_id, notes.ENDED[event.status], received.timestamp)
        self._tracking.write(run_id, note, received.timestamp)

    def _version(self, received: Received[ModelVersion]) -> None:
        event = received.event
        asked = versions.asked(event)
        run_id, tags = self._run(asked, received.timestamp)
        model = tags.get(notes.MODEL) or self._model(run_id, asked, notes.parameters(asked))
        tags_of_run = {notes.DIGEST: event.file.digest, notes.MODEL: model, versions.NUMBER: str(event.version)}
        self._tracking.write(run_id, notes.Note(tags_of_run), received.timestamp)
        self._tracking.register(run_id, versions.note(self._experiment, event, received.at, self._signatures.state(event), model))

    def _run(self, event: TrainingRun, at_ms: int, parent: str = "") -> tuple[str, dict[str, str]]:
        """The run of an event and its tags; creates it if it is missing."""
        experiment = notes.experiment(self._experiment, event)
        found = [run for run in self._tracking.find(experiment, notes.key(event)) if notes.same(event, run.tags)]
        if found:
            return found[0].run_id, dict(found[0].tags)
        began = at_ms - int(1000 * event.fit_seconds)
        return self._tracking.create(experiment, notes.name(event), notes.first_tags(event), began, parent), {}

    def _model(self, run_id: str, event: TrainingRun, parameters: dict[str, str]) -> str:
        """Store the model; returns the text of the run's tag about it."""
        onnx = self._sources.model(event)
        if event.file is None or onnx is None:
            return "deleted before it was mirrored"
        tags = {notes.DIGEST: event.file.digest, "edgeloop.request_id": event.request_id, "edgeloop.stream": event.stream}
        self._tracking.model(run_id, ModelNote(onnx, notes.model_name(event), tags, parameters), event.row)
        return "mirrored"
