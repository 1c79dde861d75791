"""Trainer and registry offline: fits, the gate, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edgeloop_contracts import GateKind, ModelVersion, RunStatus, TrainingRequest, TrainingRun
from edgeloop_mixture.runtime import open_session
from edgeloop_retraining.core.campaign import Fit
from edgeloop_trainer.core.dataset import DatasetError
from edgeloop_trainer.core.families import ONLINE
from edgeloop_trainer.core.fits import Failed, FitJob, Fitted, Lessons, Recipe
from edgeloop_trainer.core.gate import Judgement, NumberTally, Rule, Tally, Verdict, judge, outcomes
from edgeloop_trainer.core.lessons import Due, Lesson
from edgeloop_trainer.core.recall import rival
from edgeloop_trainer.core.runs import failed, step
from edgeloop_trainer.io.fit import fit
from numpy.typing import NDArray

from edgeloop_replay.examples import STREAM, Examples

if TYPE_CHECKING:
    from edgeloop_trainer.io.online import OnlineModels


class Model:
    """A fitted model that answers; without classes, with numbers."""

    def __init__(self, onnx: bytes, classes: tuple[str, ...]) -> None:
        self.onnx = onnx
        self.classes = classes
        self._run = open_session(onnx).run

    def answers(self, features: NDArray[Any]) -> list[str]:
        """Class or number of each row."""
        (found,) = self._run(["label" if self.classes else "prediction"], {"input": features})
        return [self.classes[label] for label in found.tolist()] if self.classes else [str(value) for value in found]


@dataclass(slots=True)
class Version:
    """A version and its model."""

    event: ModelVersion
    model: Model


@dataclass(slots=True)
class _Open:
    fit: Fit
    request: TrainingRequest
    model: Model
    fitted: Fitted
    rows: int
    dataset_digest: str
    judgement: Judgement


@dataclass
class Training:
    """Fits what is due, judges challengers on the rows that follow, and makes versions of those that win.

    Attributes
    ----------
    categories
        How many each feature has, 0 for a number; empty if all are numbers.
    versions
        Versions so far, by number.
    runs
        Called with each step of a run.
    fitted
        Challengers fitted, the first version included.
    """

    recipe: Recipe
    rule: Rule
    examples: Examples
    runs: Callable[[TrainingRun], None]
    categories: tuple[int, ...] = ()
    versions: dict[int, Version] = field(default_factory=dict[int, Version])
    fitted: int = 0
    rows_fitted: int = 0
    _open: _Open | None = None
    _online: OnlineModels | None = None

    @property
    def champion(self) -> Version | None:
        """The newest version."""
        return self.versions[max(self.versions)] if self.versions else None

    def due(self, due: Fit, request: TrainingRequest) -> Iterator[Version | str]:
        """Do a fit; gives the versions that come of it or of the gate that it closes, and the campaign of a first fit that failed."""
        if self._open is not None:
            yield from self._advance(min(self._open.fit.gate_until, due.end))
        self._open = None
        try:
            dataset = self.examples.dataset(due.start, due.end)
        except DatasetError as error:
            yield from self._failed(failed(request, Failed(str(error)), 0, ""))
            return
        champion = self.champion
        held = dataset.newest() if due.gate == GateKind.MAJORITY or champion is None else None
        recipe = self.recipe if due.seed < 0 else replace(self.recipe, seed=due.seed)
        tried = dataset.newest(without=held) if recipe.search_seconds and recipe.family not in ONLINE else None
        versions = [version.event for version in self.versions.values()]
        old = rival(dataset, versions, self._answers, self.rule, recipe.archive, 0) if held is None else None
        compared = None if held is not None else dataset.newest()
        learned = self._learned(recipe, due.end, numbers=not dataset.classes)
        job = FitJob(
            dataset.digest, dataset.features, dataset.labels, dataset.classes, held, recipe, tried, old, compared, learned, self.categories
        )
        result = fit(job, self._online)
        if isinstance(result, Failed):
            yield from self._failed(failed(request, result, dataset.rows, dataset.digest))
            return
        self.fitted += 1
        self.rows_fitted += dataset.rows
        judgement = Judgement(result.tally or (Tally() if dataset.classes else NumberTally()), due.end + 1)
        if result.recalls:
            version = self.versions[result.recalls]
            self._open = _Open(due, request, version.model, result, version.event.rows, version.event.dataset_digest, judgement)
        else:
            rows = result.lessons or Lessons(dataset.rows, dataset.digest, dataset.classes)
            self._open = _Open(due, request, Model(result.onnx, rows.classes), result, rows.rows, rows.digest, judgement)
        self._tell(RunStatus.FITTED, due.end)
        if result.tally is not None:
            yield from self._ended(self.rule.beside_majority(result.tally, has_champion=champion is not None), due.end)

    def advance(self) -> Iterator[Version | str]:
        """Judge the challenger at the gate on the rows that have come."""
        if self._open is not None:
            yield from self._advance(self._open.fit.gate_until)

    def _learned(self, recipe: Recipe, row: int, *, numbers: bool) -> Due | None:
        """The online models of a recipe, which have learned all rows up to this one."""
        course = recipe.course(STREAM, self.examples.width, numbers=numbers, categories=self.categories)
        if course is None:
            return None
        if self._online is None:
            from edgeloop_trainer.io.online import OnlineModels

            self._online = OnlineModels()
        known = self._online.row(course)
        if known != row:
            start = known if known < row else 0
            labels = tuple(self.examples.labels[start:row])
            self._online.learn(Lesson(course, start + 1, row, self.examples.features(start, row), labels, begin=start == 0))
        return Due(course, row)

    def _answers(self, version: ModelVersion, rows: NDArray[Any]) -> list[str]:
        return self.versions[version.version].model.answers(rows)

    def _advance(self, until: int) -> Iterator[Version | str]:
        opened, champion = self._open, self.champion
        assert opened is not None
        assert champion is not None
        first, last = opened.judgement.next_row, min(self.examples.rows, until)
        rows = self.examples.features(first - 1, max(last, first - 1))
        truth = self.examples.labels[first - 1 : max(last, first - 1)]
        answers, others = (model.answers(rows) if len(rows) else [] for model in (opened.model, champion.model))
        compared = outcomes(answers, others, truth, numbers=not opened.model.classes)
        opened.judgement = judge(self.rule, opened.judgement, compared, until)
        if opened.judgement.verdict is not None:
            yield from self._ended(opened.judgement.verdict, opened.judgement.next_row - 1)

    def _ended(self, verdict: Verdict, row: int) -> Iterator[Version | str]:
        opened = self._open
        assert opened is not None
        promoted = verdict == Verdict.PROMOTE
        self._tell(RunStatus.PROMOTED if promoted else RunStatus.REJECTED, row)
        self._open = None
        if promoted:
            number = max(self.versions, default=0) + 1
            event = ModelVersion(
                stream=STREAM,
                version=number,
                request_id=opened.request.request_id,
                digest=opened.fitted.digest,
                size=len(opened.model.onnx),
                classes=opened.model.classes,
                beat_version=number - 1,
                rows=opened.rows,
                dataset_digest=opened.dataset_digest,
                recalls=opened.fitted.recalls,
            )
            self.versions[number] = Version(event, opened.model)
            yield self.versions[number]
        elif opened.fit.reason.stage == 0:
            yield opened.fit.reason.campaign

    def _failed(self, run: TrainingRun) -> Iterator[str]:
        self.runs(run)
        if run.stage == 0:
            yield run.campaign

    def _tell(self, status: RunStatus, row: int) -> None:
        opened = self._open
        assert opened is not None
        tally = opened.judgement.tally
        self.runs(
            replace(
                step(opened.request, status, row),
                digest=opened.fitted.digest,
                rows=opened.rows,
                dataset_digest=opened.dataset_digest,
                champion_version=max(self.versions, default=0),
                wins=tally.wins,
                losses=tally.losses,
                judged=tally.judged,
                metrics={**opened.fitted.metrics, **tally.metrics},
                parameters=opened.fitted.parameters,
                fit_seconds=round(opened.fitted.seconds, 3),
                recalls=opened.fitted.recalls,
            )
        )
