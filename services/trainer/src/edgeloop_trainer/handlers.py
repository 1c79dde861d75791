"""Requests and labelled rows in; runs, candidates and chunks out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from edgeloop_contracts import DriftPartial, GateState, ModelVersion, PartialKind, RunStatus, TrainingRequest, topics
from edgeloop_contracts.plausibility import impossible_partial
from edgeloop_contracts.row_references import folded, reference
from edgeloop_datasets.ranges import ModelGoneError
from edgeloop_kafka import Received, body, from_body
from edgeloop_readers import Policies, RangeGoneError
from edgeloop_signing.keys import Signer
from edgeloop_streaming import BackpressureError, InvalidEventError, Send, State

from edgeloop_trainer.attempts import Attempt, Attempts
from edgeloop_trainer.core.fits import Failed, Fitted, Lessons
from edgeloop_trainer.core.gate import Judgement, Verdict
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.requests import misnamed
from edgeloop_trainer.core.runs import candidate, cause_of, closed, failed, judged, opened, promoted, recalled, run, taken, tried
from edgeloop_trainer.io.champions import Champions
from edgeloop_trainer.io.models import Models, chunked
from edgeloop_trainer.io.rows import Rows
from edgeloop_trainer.judging import Judge, restarted
from edgeloop_trainer.metrics import Metrics
from edgeloop_trainer.signing import signed
from edgeloop_trainer.teaching import Teacher


@dataclass(frozen=True, slots=True)
class Ports:
    """What a task works with; one set for all tasks of a process.

    Attributes
    ----------
    rows, models, champions
        Read from topics.
    attempts
        Begins fits.
    plans
        How challengers of a stream are fitted and judged.
    signer
        The trainer's key.
    metrics
        Of the process.
    """

    rows: Rows
    models: Models
    champions: Champions
    attempts: Attempts
    plans: Policies[Plan]
    signer: Signer
    metrics: Metrics


class TrainerTask:
    """The trainer's work on one partition.

    A request waits (its partition of ``training.requests`` pauses) until the registry has answered the stream's last
    candidate and its fit is done; labelled rows go on meanwhile. Rows are judged once per transaction.

    Parameters
    ----------
    partition
        Of the inputs; the chunks of its challengers go to the same partition of ``model.chunks``.
    state
        Holds one ``GateState`` per stream.
    ports
        Of the process.
    """

    def __init__(self, partition: int, state: State, ports: Ports) -> None:
        self._partition = partition
        self._state = state
        self._ports = ports
        self._teacher = Teacher(partition, ports.rows, ports.attempts)
        self._judge = Judge(partition, ports.rows, ports.models, ports.champions)
        self._attempts: dict[str, Attempt] = {}
        self._touched: set[str] = set()

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take a request or a partial."""
        match received.event:
            case TrainingRequest() as request:
                return self._requested(received, request)
            case DriftPartial(kind=PartialKind.ERRORS) as partial:
                if why := impossible_partial(partial):
                    raise InvalidEventError("MALFORMED", why)
                self._labelled(received, partial)
        return ()

    def flush(self) -> Iterator[Send]:
        """Judge the rows that have come."""
        touched, self._touched = sorted(self._touched), set()
        for key in touched:
            gate = self._gate(key)
            if gate.request is not None and self._registry_answered(key, gate):
                request = from_body(TrainingRequest, gate.request)
                gate, sends = self._decide(key, replace(gate, awaiting="", awaiting_digest=""), request, request.gate_until, final=False)
                self._state.put(key, gate)
                yield from sends
            self._judge.trim(key)
            self._teacher.go_on(key, self._gate(key))

    def _labelled(self, received: Received[Any], partial: DriftPartial) -> None:
        key = f"{partial.tenant}/{partial.stream}"
        gate = self._gate(key)
        if received.offset <= gate.last_offset:
            return
        if gate.request is not None and not self._registry_answered(key, gate):
            raise BackpressureError(lambda: self._registry_answered(key, gate))
        self._judge.note(key, reference(partial, gate.rows))
        self._state.put(key, folded(gate, partial, received.offset))
        self._touched.add(key)

    def _requested(self, received: Received[Any], request: TrainingRequest) -> list[Send]:
        if why := misnamed(request):
            raise InvalidEventError("INVALID_NAME", why)
        key = f"{request.tenant}/{request.stream}"
        gate = self._gate(key)
        if request.request_id in gate.done:
            return []
        if not self._registry_answered(key, gate):
            raise BackpressureError(lambda: self._registry_answered(key, gate))
        attempt = self._attempt(key, request)
        if not attempt.done():
            raise BackpressureError(attempt.done)
        if isinstance(attempt.result, Failed) and attempt.result.behind and self._teacher.begins_anew(key):
            del self._attempts[key]
            raise BackpressureError(lambda: True)
        gate, sends = self._closed_for(key, replace(gate, awaiting="", awaiting_digest=""), request)
        del self._attempts[key]
        gate = taken(gate, request.request_id)
        trials = tried(request, attempt.result.trials, attempt.rows, attempt.dataset_digest)
        sends += [Send(topics.TRAINING_RUNS, key, trial) for trial in trials]
        match attempt.result:
            case Failed() as failure:
                self._ports.metrics.runs.labels("failed").inc()
                event = failed(request, failure, attempt.rows, attempt.dataset_digest)
                sends.append(Send(topics.TRAINING_RUNS, key, event))
            case Fitted() as fitted:
                self._ports.metrics.fits.observe(fitted.seconds)
                gate, more = self._fitted(key, gate, received, request, attempt, fitted)
                sends += more
        self._state.put(key, gate)
        self._touched.add(key)
        return sends

    def _attempt(self, key: str, request: TrainingRequest) -> Attempt:
        attempt = self._attempts.get(key)
        if attempt is None or attempt.request_id != request.request_id:
            self._ports.plans.refresh()
            plan = self._ports.plans.of(request.tenant, request.stream)
            course = self._ports.attempts.course(key, plan.recipe_for(request.seed))
            if course and not self._teacher.ready(key, self._gate(key), course, request.row):
                raise BackpressureError(lambda: self._teacher.ready(key, self._gate(key), course, request.row))
            if failure := self._teacher.failure(key):
                attempt = Attempt(request.request_id, failure, plan.rule)
            else:
                attempt = self._ports.attempts.begin(key, request, plan, self._versions(key, request), course)
            self._attempts[key] = attempt
        return attempt

    def _versions(self, key: str, request: TrainingRequest) -> list[ModelVersion]:
        """Versions as they will be once this request has closed the gate of an earlier one: what a fit has to beat is no matter of haste."""
        self._ports.champions.refresh()
        gate, versions = self._gate(key), self._ports.champions.versions(key)
        if gate.request is None or not versions:
            return versions
        earlier, until = self._last_row(key, gate, request)
        try:
            gate, verdict = self._judge.advance(key, restarted(gate, earlier, gate.champion_version), earlier, until)
        except (RangeGoneError, ModelGoneError):
            return versions
        return [*versions, promoted(gate, versions[-1].version + 1)] if verdict == Verdict.PROMOTE else versions

    def _closed_for(self, key: str, gate: GateState, request: TrainingRequest) -> tuple[GateState, list[Send]]:
        """Close the gate of an earlier request, as the next one is here: with its rows up to the next one's window.

        It is judged anew from its first row, as rows beyond that may have been judged already.
        """
        if gate.request is None:
            return gate, []
        earlier, until = self._last_row(key, gate, request)
        return self._decide(key, restarted(gate, earlier, gate.champion_version), earlier, until, final=True)

    def _last_row(self, key: str, gate: GateState, request: TrainingRequest) -> tuple[TrainingRequest, int]:
        """The request at the gate, and the row at which the next one ends it; waits for that row."""
        assert gate.request is not None
        earlier = from_body(TrainingRequest, gate.request)
        until = min(earlier.gate_until, request.row)
        if gate.rows < until:
            raise BackpressureError(lambda: self._gate(key).rows >= until)
        return earlier, until

    def _fitted(
        self, key: str, gate: GateState, received: Received[Any], request: TrainingRequest, attempt: Attempt, fitted: Fitted
    ) -> tuple[GateState, list[Send]]:
        champion = self._ports.champions.get(key)
        gate, files = self._opened(key, gate, attempt, fitted)
        gate = replace(
            gate,
            request=body(request),
            request_at=received.at,
            request_cause_id=received.id,
            correlation=received.correlation,
            gate_minimum=attempt.rule.minimum,
        )
        gate = restarted(gate, request, champion.version if champion else 0)
        known = [Send(topics.TRAINING_RUNS, key, run(gate, request, RunStatus.FITTED, request.row))]
        if fitted.tally is None:
            return gate, [*files, *known]
        verdict = attempt.rule.beside_majority(fitted.tally, has_champion=champion is not None)
        gate = judged(gate, Judgement(fitted.tally, gate.next_row))
        gate, ended = self._ended(key, gate, request, RunStatus.PROMOTED if verdict == Verdict.PROMOTE else RunStatus.REJECTED, request.row)
        return gate, [*files, *known, *ended]

    def _opened(self, key: str, gate: GateState, attempt: Attempt, fitted: Fitted) -> tuple[GateState, list[Send]]:
        """The state with the challenger, and the chunks of its file, which an archived version has already."""
        if fitted.recalls:
            found = [version for version in self._ports.champions.versions(key) if version.digest == fitted.digest]
            return recalled(gate, fitted, found[-1]), []
        chunks = chunked(fitted.onnx, fitted.digest)
        first = self._ports.models.end(self._partition)
        self._ports.models.add(fitted.digest, fitted.onnx)
        gate = opened(
            gate,
            fitted,
            learned=fitted.lessons or Lessons(attempt.rows, attempt.dataset_digest, attempt.classes),
            definition_version=attempt.definition_version,
        )
        gate = replace(gate, chunk_partition=self._partition, chunk_offset=first, chunks=len(chunks))
        return gate, [Send(topics.MODEL_CHUNKS, f"{chunk.digest}/{chunk.index}", chunk, partition=self._partition) for chunk in chunks]

    def _decide(self, key: str, gate: GateState, request: TrainingRequest, until: int, *, final: bool) -> tuple[GateState, list[Send]]:
        try:
            gate, verdict = self._judge.advance(key, gate, request, until)
        except (RangeGoneError, ModelGoneError) as error:
            return self._ended(key, gate, request, RunStatus.FAILED, gate.next_row - 1, f"the gate cannot go on: {error}")
        if verdict is None:
            return gate, []
        status = RunStatus.PROMOTED if verdict == Verdict.PROMOTE else RunStatus.REJECTED
        return self._ended(key, gate, request, status, gate.next_row - 1, "closed by the next request" if final else "")

    def _ended(
        self, key: str, gate: GateState, request: TrainingRequest, status: RunStatus, row: int, reason: str = ""
    ) -> tuple[GateState, list[Send]]:
        self._ports.metrics.runs.labels(status.value.lower()).inc()
        cause = cause_of(gate)
        sends = [Send(topics.TRAINING_RUNS, key, run(gate, request, status, row, reason), cause)]
        after = closed(gate)
        if status == RunStatus.PROMOTED:
            sends.insert(0, Send(topics.MODEL_CANDIDATES, key, signed(candidate(gate, request), self._ports.signer), cause))
            return replace(after, awaiting=request.request_id, awaiting_digest=gate.digest), sends
        if not self._in_use(key, gate):
            names = [f"{gate.digest}/{index}" for index in range(gate.chunks)]
            sends += [Send(topics.MODEL_CHUNKS, name, None, cause, gate.chunk_partition) for name in names]
        return after, sends

    def _in_use(self, key: str, gate: GateState) -> bool:
        """Whether a challenger's file is also a version's, or another challenger's of this partition: equal rows give equal files."""
        others = [other for name, other in self._state.items(GateState) if name != key]
        names = {gate.awaiting_digest, *(name for other in others for name in (other.digest, other.awaiting_digest))}
        return gate.digest in names or self._ports.champions.knows(gate.digest)

    def _registry_answered(self, key: str, gate: GateState) -> bool:
        return not gate.awaiting or self._ports.champions.answered(key, gate.awaiting)

    def _gate(self, key: str) -> GateState:
        tenant, _, stream = key.partition("/")
        return self._state.get(GateState, key) or GateState(tenant=tenant, stream=stream)
