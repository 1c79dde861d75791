"""Events and stored state of a trial."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from edgeloop_contracts import (
    AtGate,
    Cause,
    Challenger,
    GateState,
    GateTally,
    ModelCandidate,
    ModelFile,
    ModelVersion,
    RunStatus,
    TrainingRequest,
    TrainingRun,
)
from edgeloop_contracts.texts import cut

from edgeloop_trainer.core.fit_result import DatasetSummary, Failed, Fitted, SearchStep
from edgeloop_trainer.core.gate import Judgement, NumberTally, Tally
from edgeloop_trainer.core.phases import FitEnded

MOST_OF_A_PARAMETER = 500


def run_step(request: TrainingRequest, status: RunStatus, row: int) -> TrainingRun:
    """A step of a training run, with the names of its request alone."""
    return TrainingRun(
        tenant=request.tenant,
        stream=request.stream,
        request_id=request.request_id,
        campaign=request.campaign,
        stage=request.stage,
        status=status,
        row=row,
    )


def failed_run(request: TrainingRequest, failure: Failed, rows: int, dataset_digest: str) -> TrainingRun:
    """The end of a training run without a challenger."""
    return replace(
        run_step(request, RunStatus.FAILED, request.row),
        rows=rows,
        dataset_digest=dataset_digest,
        metrics=failure.metrics,
        parameters=cut_parameters(failure.parameters),
        fit_seconds=failure.seconds,
        reason=cut(failure.reason),
    )


def search_runs(request: TrainingRequest, steps: Iterable[SearchStep], rows: int, dataset_digest: str) -> Iterator[TrainingRun]:
    """Training runs for the steps of a search before the fit."""
    for number, step in enumerate(steps, 1):
        yield replace(
            run_step(request, RunStatus.TRIAL, request.row),
            trial=number,
            rows=rows,
            dataset_digest=dataset_digest,
            metrics=step.metrics,
            parameters=cut_parameters(step.parameters),
            fit_seconds=round(step.seconds, 3),
            reason=cut(step.reason),
        )


def run_of(state: GateState, gate: AtGate, status: RunStatus, row: int, reason: str = "") -> TrainingRun:
    """A step of the training run whose challenger is at the gate."""
    challenger = gate.challenger
    return TrainingRun(
        tenant=state.tenant,
        stream=state.stream,
        request_id=gate.request_id,
        campaign=gate.campaign,
        stage=gate.stage,
        status=status,
        row=row,
        file=challenger.file,
        rows=challenger.rows,
        dataset_digest=challenger.dataset_digest,
        champion_version=gate.champion_version,
        wins=gate.tally.wins,
        losses=gate.tally.losses,
        judged=gate.tally.judged,
        metrics=metrics_of(gate),
        parameters=challenger.parameters,
        fit_seconds=challenger.fit_seconds,
        reason=cut(reason),
        classes=challenger.classes,
        definition_version=challenger.definition_version,
        recalls=challenger.recalls,
    )


def candidate(state: GateState, gate: AtGate) -> ModelCandidate:
    """The challenger as a candidate for the model registry."""
    challenger = gate.challenger
    return ModelCandidate(
        tenant=state.tenant,
        stream=state.stream,
        request_id=gate.request_id,
        file=challenger.file,
        classes=challenger.classes,
        definition_version=challenger.definition_version,
        champion_version=gate.champion_version,
        rows=challenger.rows,
        dataset_digest=challenger.dataset_digest,
        metrics=metrics_of(gate),
        parameters=challenger.parameters,
        recalls=challenger.recalls,
    )


def version_of(candidate: ModelCandidate, number: int) -> ModelVersion:
    """The version that the model registry makes of a candidate, without signature and hash chain."""
    return ModelVersion(
        tenant=candidate.tenant,
        stream=candidate.stream,
        version=number,
        request_id=candidate.request_id,
        file=candidate.file,
        classes=candidate.classes,
        definition_version=candidate.definition_version,
        beat_version=candidate.champion_version,
        rows=candidate.rows,
        dataset_digest=candidate.dataset_digest,
        metrics=candidate.metrics,
        parameters=candidate.parameters,
        recalls=candidate.recalls,
    )


def metrics_of(gate: AtGate) -> dict[str, float]:
    """Metrics of the fit, and of the gate so far."""
    return {**gate.challenger.metrics, **tally_of(gate).metrics}


def tally_of(gate: AtGate) -> Tally:
    """The result of the gate so far."""
    known = gate.tally
    counted = (known.wins, known.losses, known.both, known.judged)
    if gate.challenger.classes:
        return Tally(*counted)
    return NumberTally(*counted, known.absolute, known.squared, known.champion_absolute, known.champion_squared)


def with_tally(gate: AtGate, judgement: Judgement) -> AtGate:
    """The gate after more rows."""
    return replace(gate, tally=GateTally(**asdict(judgement.tally)), next_row=judgement.next_row)


def restarted(gate: AtGate, champion_version: int | None) -> AtGate:
    """The gate, back at its first row."""
    return replace(gate, tally=GateTally(), next_row=gate.row + 1, champion_version=champion_version)


def gate_of(request: TrainingRequest, cause: Cause, challenger: Challenger, champion_version: int | None, minimum: int) -> AtGate:
    """The gate of a new challenger, before its first row."""
    return AtGate(
        request_id=request.request_id,
        campaign=request.campaign,
        stage=request.stage,
        row=request.row,
        until=request.gate_until,
        minimum=minimum,
        cause=cause,
        challenger=challenger,
        champion_version=champion_version,
        next_row=request.row + 1,
    )


def stored_challenger(fitted: Fitted, ended: FitEnded, versions: Sequence[ModelVersion]) -> Challenger:
    """The challenger of a fit: its model, whose file has no place yet, or the newest of ``versions`` with that file if the fit recalls one.

    The training data of ``ended`` counts if the model itself does not name its rows.
    """
    if fitted.recalls:
        return _recalled(fitted, next(version for version in reversed(versions) if version.file.digest == fitted.digest))
    learned = fitted.learned or DatasetSummary(ended.rows, ended.dataset_digest, ended.classes)
    return Challenger(
        file=ModelFile(digest=fitted.digest, size=len(fitted.onnx)),
        rows=learned.rows,
        dataset_digest=learned.digest,
        classes=learned.classes,
        definition_version=ended.definition_version,
        parameters=cut_parameters(fitted.parameters),
        metrics=fitted.metrics,
        fit_seconds=round(fitted.seconds, 3),
    )


def _recalled(fitted: Fitted, version: ModelVersion) -> Challenger:
    """An archived version as the challenger, in place of the fit that it beat; its file stays in its place."""
    return Challenger(
        file=version.file,
        rows=version.rows,
        dataset_digest=version.dataset_digest,
        classes=version.classes,
        definition_version=version.definition_version,
        parameters=version.parameters,
        metrics=fitted.metrics,
        fit_seconds=round(fitted.seconds, 3),
        recalls=version.version,
    )


def files_of(states: Iterable[GateState]) -> set[str]:
    """Digests of the model files that trials still need: equal rows give equal files."""
    found = [(state.gate.challenger.file.digest if state.gate else "", state.awaiting.digest if state.awaiting else "") for state in states]
    return {digest for digests in found for digest in digests if digest}


def cut_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters, cut to the length that events allow: messages of libraries can be of any length."""
    return {name: cut(value, MOST_OF_A_PARAMETER) for name, value in parameters.items()}
