"""Requests and labelled rows in; runs, candidates and chunks out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from edgeloop_contracts import DriftPartial, GateState, ModelVersion, PartialKind, RunStatus, StreamKey, TrainingRequest, topics
from edgeloop_contracts.keys import chunk_key
from edgeloop_contracts.plausibility import impossible_partial
from edgeloop_contracts.row_references import reference
from edgeloop_datasets import chunked
from edgeloop_kafka import Received
from edgeloop_readers import Policies
from edgeloop_signing.keys import Signer
from edgeloop_streaming import BackpressureError, InvalidEventError, Send, State

from edgeloop_trainer.core.fit_result import Failed
from edgeloop_trainer.core.phases import (
    Answered,
    AskRegistry,
    AwaitRows,
    BatchEnded,
    Compare,
    Counted,
    Discard,
    Effect,
    Fit,
    FitEnded,
    Fitting,
    Happening,
    Propose,
    PublishRun,
    ReadChampion,
    Requested,
    Store,
    Stored,
    TrialState,
)
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.requests import invalid_name
from edgeloop_trainer.core.runs import files_of, stored_challenger
from edgeloop_trainer.core.trial import run, versions_at
from edgeloop_trainer.io.champions import Champions
from edgeloop_trainer.io.fit_queue import FitQueue, QueuedFit
from edgeloop_trainer.io.gate_rows import GateRows
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.online_training import OnlineTraining
from edgeloop_trainer.io.rows import Rows
from edgeloop_trainer.io.signatures import signed
from edgeloop_trainer.metrics import Metrics

ENDS = frozenset({RunStatus.PROMOTED, RunStatus.REJECTED, RunStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Ports:
    """Connections of a task to the outside; one set for all tasks of a process.

    Attributes
    ----------
    rows, models, champions
        Read from topics.
    fits
        Queue of the child process.
    plans
        Recipe and gate of each stream.
    signer
        The trainer's key.
    metrics
        Of the process.
    """

    rows: Rows
    models: Models
    champions: Champions
    fits: FitQueue
    plans: Policies[Plan]
    signer: Signer
    metrics: Metrics


class TrainerTask:
    """The trainer's work on one partition: carries out the effects that :mod:`edgeloop_trainer.core.trial` decides on.

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
        self._online = OnlineTraining(partition, ports.rows, ports.fits)
        self._gate_rows = GateRows(partition, ports.rows, ports.models, ports.champions)
        self._fitting: dict[str, Fitting] = {}
        self._queued: dict[str, QueuedFit] = {}
        self._touched: set[StreamKey] = set()

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take a request or a partial."""
        match received.event:
            case TrainingRequest() as request:
                if why := invalid_name(request):
                    raise InvalidEventError("INVALID_NAME", why)
                self._ports.plans.refresh()
                return self._advance(StreamKey.of(request), Requested(request, received.cause))
            case DriftPartial(kind=PartialKind.ERRORS) as partial:
                if why := impossible_partial(partial):
                    raise InvalidEventError("MALFORMED", why)
                return self._counted(StreamKey.of(partial), Counted(partial, received.offset))
        return ()

    def flush(self) -> Iterator[Send]:
        """Judge the rows that have come."""
        touched, self._touched = sorted(self._touched), set()
        for key in touched:
            with suppress(BackpressureError):  # the registry has not answered yet: the next rows ask again
                yield from self._advance(key, BatchEnded())
            self._gate_rows.trim(key)
            self._online.catch_up(key, self._stored(key))
        self._touched.clear()

    def _counted(self, key: StreamKey, counted: Counted) -> Iterable[Send]:
        rows = self._stored(key).rows
        sends = self._advance(key, counted)
        if key in self._touched and self._stored(key).last_offset == counted.offset:
            self._gate_rows.append(key, reference(counted.partial, rows))
        return sends

    def _advance(self, key: StreamKey, happening: Happening) -> list[Send]:
        """Run the machine of a stream until nothing is left to do."""
        stored = self._stored(key)
        sends: list[Send] = []
        before = TrialState(stored, self._fitting.get(key))
        plan = self._ports.plans.of(stored.tenant, stored.stream)
        after = run(plan, before, happening, lambda state, effect: self._perform(key, state, effect, sends))
        if after.fitting is None:
            self._fitting.pop(key, None)
            self._queued.pop(key, None)
        if after.stored is not stored:
            self._state.put(key, after.stored)
            self._touched.add(key)
        return sends

    def _perform(self, key: StreamKey, state: TrialState, effect: Effect, sends: list[Send]) -> Happening | None:
        match effect:
            case AwaitRows(rows=rows):
                raise BackpressureError(lambda: self._stored(key).rows >= rows)
            case AskRegistry(request_id=request_id, then=then):
                if not self._ports.champions.settled(key, request_id):
                    raise BackpressureError(lambda: self._ports.champions.settled(key, request_id))
                return Answered(request_id, then)
            case Fit(fitting=fitting):
                return self._fit(key, state, fitting)
            case Store():
                return self._store(key, effect, sends)
            case ReadChampion():
                return self._gate_rows.champion(key, effect)
            case Compare():
                return self._gate_rows.compare(key, state.stored, effect)
            case PublishRun(run=step, cause=cause):
                if step.status in ENDS:
                    self._ports.metrics.runs.labels(step.status.value.lower()).inc()
                sends.append(Send(topics.TRAINING_RUNS, key, step, cause))
            case Propose(candidate=candidate, cause=cause):
                sends.append(Send(topics.MODEL_CANDIDATES, key, signed(candidate, self._ports.signer), cause))
            case Discard():
                sends += self._tombstones(key, state, effect)
        return None

    def _fit(self, key: StreamKey, state: TrialState, fitting: Fitting) -> FitEnded:
        """The end of a fit; waits for it, and for the online models that take part in it."""
        queued = self._queued.get(key)
        if queued is None or queued.ended.request_id != fitting.request.request_id:
            queued = self._queued[key] = self._begin(key, state, fitting)
            self._fitting[key] = fitting
        if not queued.done():
            raise BackpressureError(queued.done)
        ended = queued.result
        if isinstance(ended.result, Failed) and ended.result.behind and self._online.restart(key):
            del self._queued[key], self._fitting[key]
            raise BackpressureError(lambda: True)
        return ended

    def _begin(self, key: StreamKey, state: TrialState, fitting: Fitting) -> QueuedFit:
        request = fitting.request
        group = self._ports.fits.online_group(key, fitting.plan.recipe_for(request.seed))
        if group and not self._online.ready(key, state.stored, group, request.row):
            raise BackpressureError(lambda: self._online.ready(key, self._stored(key), group, request.row))
        if failure := self._online.failure(key):
            return QueuedFit(FitEnded(request.request_id, failure))
        return self._ports.fits.begin(key, fitting, self._versions(key, state, fitting), group)

    def _versions(self, key: StreamKey, state: TrialState, fitting: Fitting) -> list[ModelVersion]:
        self._ports.champions.refresh()
        versions = self._ports.champions.all(key)
        return versions_at(fitting, state, versions, lambda state, effect: self._perform(key, state, effect, []))

    def _store(self, key: StreamKey, effect: Store, sends: list[Send]) -> Stored:
        """Send the chunks of a challenger's file; an archived version has them already."""
        fitted, ended = effect.fitted, effect.ended
        self._ports.metrics.fits.observe(fitted.seconds)
        champion = self._ports.champions.champion(key)
        champion_version = champion.version if champion else None
        challenger = stored_challenger(fitted, ended, self._ports.champions.all(key))
        if challenger.recalls is not None:
            return Stored(challenger, champion_version)
        chunks = chunked(fitted.onnx, fitted.digest)
        first = self._ports.models.end(self._partition)
        self._ports.models.add(fitted.digest, fitted.onnx)
        for chunk in chunks:
            sends.append(Send(topics.MODEL_CHUNKS, topics.MODEL_CHUNKS.key_of(chunk), chunk, effect.fitting.cause, self._partition))
        file = replace(challenger.file, chunks=len(chunks), partition=self._partition, offset=first)
        challenger = replace(challenger, file=file)
        return Stored(challenger, champion_version)

    def _tombstones(self, key: StreamKey, state: TrialState, effect: Discard) -> list[Send]:
        challenger = effect.challenger
        others = [other for name, other in self._state.items(GateState) if name != key]
        if challenger.file.digest in files_of([state.stored, *others]) or self._ports.champions.knows(challenger.file.digest):
            return []
        names = [chunk_key(challenger.file.digest, index) for index in range(challenger.file.chunks)]
        return [Send(topics.MODEL_CHUNKS, name, None, effect.cause, challenger.file.partition) for name in names]

    def _stored(self, key: StreamKey) -> GateState:
        return self._state.get(GateState, key) or GateState(tenant=key.tenant, stream=key.stream)
