"""A request's rows on their way to a challenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edgeloop_contracts import GateKind, ModelVersion, StreamDefinition, StreamTask, TrainingRequest
from edgeloop_datasets.ranges import Artifact, ModelGoneError
from edgeloop_kafka import Received
from edgeloop_mixture.columns import categories_of, columns

from edgeloop_trainer.core.dataset import DatasetError, Floats
from edgeloop_trainer.core.families import ONLINE
from edgeloop_trainer.core.fits import Failed, FitJob, Fitted, Recipe
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.lessons import Course, Due, Lesson
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recall import rival
from edgeloop_trainer.core.sizes import names_refusal, refusal, rows_named
from edgeloop_trainer.io.fitting import FittingProcess, Pending
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.rows import Rows


class Definitions(Protocol):
    """What is needed of :class:`edgeloop_readers.Table` on ``streams``."""

    def refresh(self) -> None:
        """Take in what has been committed until now."""
        ...

    def get(self, key: str) -> Received[Any] | None:
        """Newest record of a key."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request's fit.

    Attributes
    ----------
    request_id
        Whose.
    rows, dataset_digest, classes
        Of the dataset.
    definition_version
        Of the stream's definition.
    work
        The fit that was asked for, or why there is none.
    rule
        Of the gate that follows.
    """

    request_id: str
    work: Pending | Failed
    rule: Rule
    rows: int = 0
    dataset_digest: str = ""
    classes: tuple[str, ...] = ()
    definition_version: int = 0

    def done(self) -> bool:
        """Whether there is a result."""
        return isinstance(self.work, Failed) or self.work.done()

    @property
    def result(self) -> Fitted | Failed:
        """What came of it, once it is done."""
        result = self.work if isinstance(self.work, Failed) else self.work.result
        assert isinstance(result, Fitted | Failed)
        return result


class Attempts:
    """Begins fits.

    Parameters
    ----------
    rows, models, definitions, process
        Where rows, answers of archived versions and definitions come from, and who fits.
    """

    def __init__(self, rows: Rows, models: Models, definitions: Definitions, process: FittingProcess) -> None:
        self._rows = rows
        self._models = models
        self._definitions = definitions
        self._process = process

    def begin(self, key: str, request: TrainingRequest, plan: Plan, versions: Sequence[ModelVersion], course: Course | None) -> Attempt:
        """Read the rows and ask for the fit. Without a champion the challenger has to beat a constant.

        Parameters
        ----------
        versions
            Of the stream, in rising order; the last is the champion.
        course
            Of the stream's online models, which have learned all rows up to that of the request.
        """
        self._definitions.refresh()
        record = self._definitions.get(key)
        if record is None:
            return Attempt(request.request_id, Failed(f"no stream {key} is defined"), plan.rule)
        definition: StreamDefinition = record.event
        width = max(len(definition.features), len(columns(categories_of(definition), len(definition.features))))
        if refused := refusal(rows_named(request.manifest), width, self._process.limits.memory_bytes):
            return Attempt(request.request_id, Failed(refused), plan.rule, definition_version=definition.version)
        try:
            dataset = self._rows.dataset(request.manifest, definition)
        except DatasetError as error:
            return Attempt(request.request_id, Failed(str(error)), plan.rule, definition_version=definition.version)
        if refused := names_refusal(dataset.classes):
            return Attempt(
                request.request_id, Failed(refused), plan.rule, dataset.rows, dataset.digest, definition_version=definition.version
            )
        held = dataset.newest() if request.gate == GateKind.MAJORITY or not versions else None
        recipe = plan.recipe_for(request.seed)
        tried = dataset.newest(without=held) if recipe.search_seconds and recipe.family not in ONLINE else None
        old = rival(dataset, versions, self._answers, plan.rule, recipe.archive, definition.version) if held is None else None
        compared = None if held is not None else dataset.newest()
        due = Due(course, request.row) if course else None
        job = FitJob(
            dataset.digest,
            dataset.features,
            dataset.labels,
            dataset.classes,
            held,
            recipe,
            tried,
            old,
            compared,
            due,
            categories_of(definition),
        )
        work = self._process.submit(job)
        return Attempt(request.request_id, work, plan.rule, dataset.rows, dataset.digest, dataset.classes, definition.version)

    def course(self, key: str, recipe: Recipe) -> Course | None:
        """The online models that a recipe has for a stream; ``None`` for none."""
        self._definitions.refresh()
        record = self._definitions.get(key)
        if record is None:
            return None
        definition: StreamDefinition = record.event
        numbers = definition.task is StreamTask.REGRESSION
        return recipe.course(key, len(definition.features), numbers=numbers, categories=categories_of(definition))

    def teach(self, lesson: Lesson) -> Pending:
        """Have online models learn rows."""
        return self._process.teach(lesson)

    def _answers(self, version: ModelVersion, features: Floats) -> list[str] | None:
        try:
            return self._models.answers(artifact_of(version), features)
        except ModelGoneError:
            return None


def artifact_of(version: ModelVersion) -> Artifact:
    """Where a version's file lies."""
    return Artifact(version.digest, version.chunk_partition, version.chunk_offset, version.chunks, version.classes)
