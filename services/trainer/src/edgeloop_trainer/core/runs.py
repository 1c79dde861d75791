"""The trainer's events and state, made from a request and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace

from edgeloop_contracts import Cause, GateState, ModelCandidate, ModelVersion, RunStatus, TrainingRequest, TrainingRun
from edgeloop_contracts.texts import cut

from edgeloop_trainer.core.fits import Failed, Fitted, Lessons, Trial
from edgeloop_trainer.core.gate import Judgement, NumberTally, Tally

REMEMBERED = 64
MOST_OF_A_PARAMETER = 500


def step(request: TrainingRequest, status: RunStatus, row: int) -> TrainingRun:
    """A step of a request's run at a row, nothing else known of it."""
    return TrainingRun(
        tenant=request.tenant,
        stream=request.stream,
        request_id=request.request_id,
        campaign=request.campaign,
        stage=request.stage,
        status=status,
        row=row,
    )


def failed(request: TrainingRequest, failure: Failed, rows: int, dataset_digest: str) -> TrainingRun:
    """The end of a run that has no challenger."""
    return replace(
        step(request, RunStatus.FAILED, request.row),
        rows=rows,
        dataset_digest=dataset_digest,
        metrics=failure.metrics,
        parameters=told(failure.parameters),
        fit_seconds=failure.seconds,
        reason=cut(failure.reason),
    )


def tried(request: TrainingRequest, trials: Iterable[Trial], rows: int, dataset_digest: str) -> Iterator[TrainingRun]:
    """The trials of a search before the fit."""
    for number, trial in enumerate(trials, 1):
        yield replace(
            step(request, RunStatus.TRIAL, request.row),
            trial=number,
            rows=rows,
            dataset_digest=dataset_digest,
            metrics=trial.metrics,
            parameters=told(trial.parameters),
            fit_seconds=round(trial.seconds, 3),
            reason=cut(trial.reason),
        )


def run(gate: GateState, request: TrainingRequest, status: RunStatus, row: int, reason: str = "") -> TrainingRun:
    """Where the challenger at the gate stands."""
    return replace(
        step(request, status, row),
        digest=gate.digest,
        rows=gate.rows_fitted,
        dataset_digest=gate.dataset_digest,
        champion_version=gate.champion_version,
        wins=gate.wins,
        losses=gate.losses,
        judged=gate.judged,
        metrics=metrics_of(gate),
        parameters=gate.parameters,
        fit_seconds=gate.fit_seconds,
        reason=cut(reason),
        size=gate.size,
        chunks=gate.chunks,
        chunk_partition=gate.chunk_partition,
        chunk_offset=gate.chunk_offset,
        classes=gate.classes,
        definition_version=gate.definition_version,
        recalls=gate.recalls,
    )


def candidate(gate: GateState, request: TrainingRequest) -> ModelCandidate:
    """The challenger as a candidate for the registry."""
    return ModelCandidate(
        tenant=request.tenant,
        stream=request.stream,
        request_id=request.request_id,
        digest=gate.digest,
        size=gate.size,
        chunks=gate.chunks,
        chunk_partition=gate.chunk_partition,
        chunk_offset=gate.chunk_offset,
        classes=gate.classes,
        definition_version=gate.definition_version,
        champion_version=gate.champion_version,
        rows=gate.rows_fitted,
        dataset_digest=gate.dataset_digest,
        metrics=metrics_of(gate),
        parameters=gate.parameters,
        recalls=gate.recalls,
    )


def promoted(gate: GateState, number: int) -> ModelVersion:
    """The version that the registry will make of the challenger, as far as a model to compare with needs to be known."""
    return ModelVersion(
        tenant=gate.tenant,
        stream=gate.stream,
        version=number,
        digest=gate.digest,
        size=gate.size,
        chunks=gate.chunks,
        chunk_partition=gate.chunk_partition,
        chunk_offset=gate.chunk_offset,
        classes=gate.classes,
        definition_version=gate.definition_version,
    )


def metrics_of(gate: GateState) -> dict[str, float]:
    """Of the fit, and of the gate as far as it has come."""
    return {**gate.metrics, **tally_of(gate).metrics}


def tally_of(gate: GateState) -> Tally:
    """What the gate has judged."""
    counted = (gate.wins, gate.losses, gate.both, gate.judged)
    if gate.classes:
        return Tally(*counted)
    return NumberTally(*counted, gate.absolute, gate.squared, gate.champion_absolute, gate.champion_squared)


def told(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters as an event takes them: what a library says of itself or of its failure has no end."""
    return {name: cut(value, MOST_OF_A_PARAMETER) for name, value in parameters.items()}


def taken(gate: GateState, request_id: str) -> GateState:
    """The state once a request has been dealt with, so that it is not dealt with again."""
    return replace(gate, done=(*gate.done, request_id)[-REMEMBERED:])


def opened(gate: GateState, fitted: Fitted, *, learned: Lessons, definition_version: int) -> GateState:
    """The state with a new challenger, nothing judged; where its chunks lie is for the caller to say."""
    return replace(
        gate,
        digest=fitted.digest,
        size=len(fitted.onnx),
        rows_fitted=learned.rows,
        dataset_digest=learned.digest,
        classes=learned.classes,
        definition_version=definition_version,
        parameters=told(fitted.parameters),
        metrics=fitted.metrics,
        fit_seconds=round(fitted.seconds, 3),
        recalls=0,
    )


def recalled(gate: GateState, fitted: Fitted, version: ModelVersion) -> GateState:
    """The state with an archived version as challenger, in place of a fit that it was ahead of; its chunks lie where they lay."""
    return replace(
        gate,
        digest=version.digest,
        size=version.size,
        chunks=version.chunks,
        chunk_partition=version.chunk_partition,
        chunk_offset=version.chunk_offset,
        rows_fitted=version.rows,
        dataset_digest=version.dataset_digest,
        classes=version.classes,
        definition_version=version.definition_version,
        parameters=version.parameters,
        metrics=fitted.metrics,
        fit_seconds=round(fitted.seconds, 3),
        recalls=version.version,
    )


def judged(gate: GateState, judgement: Judgement) -> GateState:
    """The state after more rows."""
    tally = judgement.tally
    return replace(gate, **asdict(tally), next_row=judgement.next_row)


def closed(gate: GateState) -> GateState:
    """The state without a challenger; what it knows of the stream stays."""
    return GateState(
        tenant=gate.tenant,
        stream=gate.stream,
        rows=gate.rows,
        last_offset=gate.last_offset,
        marks=gate.marks,
        done=gate.done,
        awaiting=gate.awaiting,
        awaiting_digest=gate.awaiting_digest,
    )


def cause_of(gate: GateState) -> Cause:
    """The request at the gate, as the cause of what becomes of it."""
    return Cause(id=gate.request_cause_id, correlation=gate.correlation, at=gate.request_at)
