"""Fits of requests, queued for the child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from edgeloop_contracts import ModelVersion, StreamDefinition, StreamTask
from edgeloop_datasets.ranges import ModelGoneError
from edgeloop_kafka import Received
from edgeloop_mixture.columns import categories_of, columns

from edgeloop_trainer.core.dataset import DatasetError, Floats
from edgeloop_trainer.core.fit_jobs import fit_job
from edgeloop_trainer.core.fits import Failed, Fitted, Recipe
from edgeloop_trainer.core.lessons import Course, Due, Lesson
from edgeloop_trainer.core.phases import FitEnded, Fitting
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
class QueuedFit:
    """The fit of one request.

    Attributes
    ----------
    ended
        The result, without its ``result``; or the end of a request that is not fitted at all.
    work
        The job of the child process; ``None`` for none.
    """

    ended: FitEnded
    work: Pending | None = None

    def done(self) -> bool:
        """Whether there is a result; asking moves the work on."""
        return self.work is None or self.work.done()

    @property
    def result(self) -> FitEnded:
        """The result, once it is there."""
        if self.work is None:
            return self.ended
        result = self.work.result
        assert isinstance(result, Fitted | Failed)
        return replace(self.ended, result=result)


class FitQueue:
    """Reads training data and queues fits for the child process.

    Parameters
    ----------
    rows, models, definitions
        Sources of rows, of answers of archived versions, and of stream definitions.
    process
        The child process.
    """

    def __init__(self, rows: Rows, models: Models, definitions: Definitions, process: FittingProcess) -> None:
        self._rows = rows
        self._models = models
        self._definitions = definitions
        self._process = process

    def begin(self, key: str, fitting: Fitting, versions: Sequence[ModelVersion], course: Course | None) -> QueuedFit:
        """Read the rows of a request and queue its fit.

        Parameters
        ----------
        versions
            Of the stream, in rising order; the last is the champion.
        course
            Of the stream's online models, which have learned all rows up to that of the request.
        """
        request, plan = fitting.request, fitting.plan
        self._definitions.refresh()
        record = self._definitions.get(key)
        if record is None:
            return QueuedFit(FitEnded(request.request_id, Failed(f"no stream {key} is defined")))
        definition: StreamDefinition = record.event
        ended = FitEnded(request.request_id, Failed(""), definition_version=definition.version)
        width = max(len(definition.features), len(columns(categories_of(definition), len(definition.features))))
        if refused := refusal(rows_named(request.manifest), width, self._process.limits.memory_bytes):
            return QueuedFit(replace(ended, result=Failed(refused)))
        try:
            dataset = self._rows.dataset(request.manifest, definition)
        except DatasetError as error:
            return QueuedFit(replace(ended, result=Failed(str(error))))
        if refused := names_refusal(dataset.classes):
            return QueuedFit(replace(ended, result=Failed(refused), rows=dataset.rows, dataset_digest=dataset.digest))
        job = fit_job(
            request,
            plan,
            dataset,
            versions,
            self._answers,
            due=Due(course, request.row) if course else None,
            categories=categories_of(definition),
            definition_version=definition.version,
        )
        ended = replace(ended, rows=dataset.rows, dataset_digest=dataset.digest, classes=dataset.classes)
        return QueuedFit(ended, self._process.submit(job))

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
            return self._models.answers(version, features)
        except ModelGoneError:
            return None
