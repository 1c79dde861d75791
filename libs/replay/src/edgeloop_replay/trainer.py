"""The trainer of a replay: carries out the effects of the service's state machine in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeloop_contracts import CandidateRefused, DriftPartial, GateState, ModelVersion, TrainingRequest, TrainingRun
from edgeloop_trainer.core.dataset import DatasetError
from edgeloop_trainer.core.fit_job import fit_job
from edgeloop_trainer.core.fit_result import Failed
from edgeloop_trainer.core.gate import outcomes
from edgeloop_trainer.core.online_group import GroupAtRow, OnlineBatch
from edgeloop_trainer.core.phases import (
    Answered,
    AskRegistry,
    AwaitRows,
    BatchEnded,
    ChampionRead,
    Compare,
    Compared,
    Counted,
    Discard,
    Effect,
    Fit,
    FitEnded,
    Fitting,
    Happening,
    Lost,
    Propose,
    PublishRun,
    ReadChampion,
    Requested,
    Store,
    Stored,
    TrialState,
)
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.runs import files_of, stored_challenger
from edgeloop_trainer.core.size_limits import class_names_refusal
from edgeloop_trainer.core.trial import run, versions_at
from edgeloop_trainer.io.fit import fit

from edgeloop_replay.examples import STREAM, Examples
from edgeloop_replay.models import Model, Version
from edgeloop_replay.registry import Registry

if TYPE_CHECKING:
    from edgeloop_trainer.io.online_models import OnlineModels

Published = TrainingRun | ModelVersion | CandidateRefused


@dataclass
class Trainer:
    """Fits, gates and versions of one stream.

    Parameters
    ----------
    plan
        Recipe of the fits and rule of the gate.
    examples
        The labelled rows so far.
    registry
        Answers the candidates.
    categories
        Categories of each feature, 0 for a number; empty if all are numbers.

    Attributes
    ----------
    versions
        Versions so far, by number.
    fits, rows_fitted
        Successful fits, that of the first version included, and their training rows.
    """

    plan: Plan
    examples: Examples
    registry: Registry
    categories: tuple[int, ...] = ()
    versions: dict[int, Version] = field(default_factory=dict[int, Version])
    fits: int = 0
    rows_fitted: int = 0
    _state: TrialState = field(default_factory=lambda: TrialState(GateState(tenant="default", stream=STREAM)))
    _models: dict[str, Model] = field(default_factory=dict[str, Model])
    _online: OnlineModels | None = None
    _partials: int = 0

    def counted(self, partial: DriftPartial) -> list[Published]:
        """Take the next labelled rows."""
        self._partials += 1
        return self._advance(Counted(partial, self._partials - 1))

    def requested(self, request: TrainingRequest) -> list[Published]:
        """Take a request: fit it, and close the gate of the one before it."""
        return self._advance(Requested(request, request.cause))

    def batch_ended(self) -> list[Published]:
        """Judge the challenger at the gate on the rows that have come."""
        return self._advance(BatchEnded())

    def _advance(self, happening: Happening) -> list[Published]:
        published: list[Published] = []
        self._state = run(self.plan, self._state, happening, lambda state, effect: self._perform(state, effect, published))
        return published

    def _perform(self, state: TrialState, effect: Effect, published: list[Published]) -> Happening | None:
        match effect:
            case AwaitRows(rows=rows):
                raise AssertionError(f"a request came before the {rows} rows that it counts")
            case AskRegistry(request_id=request_id, then=then):
                return Answered(request_id, then)
            case Fit(fitting=fitting):
                return self._fit(state, fitting)
            case Store():
                return self._store(effect)
            case ReadChampion():
                return ChampionRead(max(self.versions)) if self.versions else Lost("there is no champion")
            case Compare():
                return self._compare(effect)
            case PublishRun(run=step):
                published.append(step)
            case Propose(candidate=candidate):
                answer = self.registry.answer(candidate)
                if isinstance(answer, ModelVersion):
                    self.versions[answer.version] = Version(answer, self._models[answer.file.digest])
                published.append(answer)
            case Discard(challenger=challenger):
                digest, kept = challenger.file.digest, {version.event.file.digest for version in self.versions.values()}
                if digest not in files_of([state.stored]) | kept:
                    self._models.pop(digest, None)
        return None

    def _fit(self, state: TrialState, fitting: Fitting) -> FitEnded:
        """Fit at once, against the versions as they will be once this request has closed the gate of the one before it."""
        request, defined = fitting.request, self.registry.definition_version
        try:
            dataset = self.examples.dataset(request.manifest)
        except DatasetError as error:
            return FitEnded(request.request_id, Failed(str(error)), definition_version=defined)
        if refused := class_names_refusal(dataset.classes):
            return FitEnded(request.request_id, Failed(refused), dataset.rows, dataset.digest, definition_version=defined)
        online = self._online_models(fitting)
        job = fit_job(
            request,
            fitting.plan,
            dataset,
            self._versions(state, fitting),
            lambda version, rows: self._models[version.file.digest].answers(rows),
            online=online,
            categories=self.categories,
            definition_version=defined,
        )
        result = fit(job, self._online)
        if not isinstance(result, Failed):
            self.fits += 1
            self.rows_fitted += dataset.rows
        return FitEnded(request.request_id, result, dataset.rows, dataset.digest, dataset.classes, defined)

    def _versions(self, state: TrialState, fitting: Fitting) -> list[ModelVersion]:
        return versions_at(fitting, state, self._events(), lambda state, effect: self._perform(state, effect, []))

    def _events(self) -> list[ModelVersion]:
        return [version.event for version in self.versions.values()]

    def _online_models(self, fitting: Fitting) -> GroupAtRow | None:
        """The online models of the recipe, taught all rows up to that of the request."""
        row, numbers = fitting.request.row, self.examples.numbers
        group = fitting.plan.recipe_for(fitting.request.seed).online_group(
            STREAM, self.examples.width, numbers=numbers, categories=self.categories
        )
        if group is None:
            return None
        if self._online is None:
            from edgeloop_trainer.io.online_models import OnlineModels

            self._online = OnlineModels()
        known = self._online.row(group)
        if known != row:
            start = known if known < row else 0
            labels = tuple(self.examples.labels[start:row])
            self._online.learn(OnlineBatch(group, start + 1, row, self.examples.features(start, row), labels, begin=start == 0))
        return GroupAtRow(group, row)

    def _store(self, effect: Store) -> Stored:
        challenger = stored_challenger(effect.fitted, effect.ended, self._events())
        if challenger.recalls is None:
            self._models[challenger.file.digest] = Model(effect.fitted.onnx, challenger.classes)
        return Stored(challenger, max(self.versions) if self.versions else None)

    def _compare(self, effect: Compare) -> Compared:
        """The answers of challenger and champion to rows, beside the labels."""
        gate, first = effect.gate, effect.first - 1
        last = max(min(self.examples.rows, effect.last), first)
        rows, labels = self.examples.features(first, last), self.examples.labels[first:last]
        champion = self.versions[max(self.versions)]
        models = (self._models[gate.challenger.file.digest], champion.model)
        answers, others = (model.answers(rows) if len(rows) else [] for model in models)
        compared = outcomes(answers, others, labels, numbers=not gate.challenger.classes)
        return Compared(champion.event.version, effect.first, tuple(compared))
