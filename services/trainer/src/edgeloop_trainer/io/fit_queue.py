"""Fits of requests, queued for the child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgeloop_contracts import ModelVersion, StreamTask
from edgeloop_datasets import ModelGoneError, StreamDefinitions
from edgeloop_mixture.columns import categories_of, columns

from edgeloop_trainer.core.dataset import DatasetError, Floats
from edgeloop_trainer.core.fit_job import fit_job
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.online_group import GroupAtRow, OnlineBatch, OnlineGroup
from edgeloop_trainer.core.phases import FitEnded, Fitting
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.size_limits import class_names_refusal, refusal, rows_named
from edgeloop_trainer.io.fit_process import FitProcess, PendingJob
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.rows import Rows


@dataclass(frozen=True, slots=True)
class QueuedFit:
    """The fit of one request.

    Attributes
    ----------
    ended
        The end of the fit without its result, or the end of a request that is refused.
    work
        The job of the child process; ``None`` for a refused request.
    """

    ended: FitEnded
    work: PendingJob | None = None

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

    def __init__(self, rows: Rows, models: Models, definitions: StreamDefinitions, process: FitProcess) -> None:
        self._rows = rows
        self._models = models
        self._definitions = definitions
        self._process = process

    def begin(self, key: str, fitting: Fitting, versions: Sequence[ModelVersion], group: OnlineGroup | None) -> QueuedFit:
        """Read the rows of a request and queue its fit.

        Parameters
        ----------
        versions
            Versions of the stream in rising order; the last is the champion.
        group
            Online models of the stream, which have learned all rows up to that of the request.
        """
        request, plan = fitting.request, fitting.plan
        definition = self._definitions.get(key)
        if definition is None:
            return QueuedFit(FitEnded(request.request_id, Failed(f"no stream {key} is defined")))
        ended = FitEnded(request.request_id, Failed(""), definition_version=definition.version)
        width = max(len(definition.features), len(columns(categories_of(definition), len(definition.features))))
        if refused := refusal(rows_named(request.manifest), width, self._process.limits.memory_bytes):
            return QueuedFit(replace(ended, result=Failed(refused)))
        try:
            dataset = self._rows.dataset(request.manifest, definition)
        except DatasetError as error:
            return QueuedFit(replace(ended, result=Failed(str(error))))
        if refused := class_names_refusal(dataset.classes):
            return QueuedFit(replace(ended, result=Failed(refused), rows=dataset.rows, dataset_digest=dataset.digest))
        job = fit_job(
            request,
            plan,
            dataset,
            versions,
            self._answers,
            online=GroupAtRow(group, request.row) if group else None,
            categories=categories_of(definition),
            definition_version=definition.version,
        )
        ended = replace(ended, rows=dataset.rows, dataset_digest=dataset.digest, classes=dataset.classes)
        return QueuedFit(ended, self._process.submit(job))

    def online_group(self, key: str, recipe: Recipe) -> OnlineGroup | None:
        """The online models of a recipe for a stream; ``None`` for none."""
        definition = self._definitions.get(key)
        if definition is None:
            return None
        numbers = definition.task is StreamTask.REGRESSION
        return recipe.online_group(key, len(definition.features), numbers=numbers, categories=categories_of(definition))

    def train(self, batch: OnlineBatch) -> PendingJob:
        """Queue a batch of online training."""
        return self._process.train(batch)

    def _answers(self, version: ModelVersion, features: Floats) -> list[str] | None:
        try:
            return self._models.answers(version, features)
        except ModelGoneError:
            return None
