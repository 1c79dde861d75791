"""The job of a request: training data, held-out rows and contenders."""

from __future__ import annotations

from collections.abc import Sequence

from edgeloop_contracts import GateKind, ModelVersion, TrainingRequest

from edgeloop_trainer.core.dataset import Dataset
from edgeloop_trainer.core.families import ONLINE
from edgeloop_trainer.core.fits import FitJob
from edgeloop_trainer.core.lessons import Due
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recall import Answers, rival


def fit_job(
    request: TrainingRequest,
    plan: Plan,
    dataset: Dataset,
    versions: Sequence[ModelVersion],
    answers: Answers,
    *,
    due: Due | None = None,
    categories: tuple[int, ...] = (),
    definition_version: int = 0,
) -> FitJob:
    """The fit of a request. Without a champion its challenger has to beat a constant.

    Parameters
    ----------
    versions
        Of the stream, in rising order; the last is the champion.
    answers
        Class or number that a version gives each row.
    due
        Online models of the stream, which have learned all rows up to that of the request.
    categories
        Categories of each feature, 0 for a number; empty if all are numbers.
    definition_version
        Of the stream definition.
    """
    held = dataset.newest() if request.gate == GateKind.MAJORITY or not versions else None
    recipe = plan.recipe_for(request.seed)
    searched = bool(recipe.search_seconds) and recipe.family not in ONLINE
    return FitJob(
        dataset_digest=dataset.digest,
        features=dataset.features,
        labels=dataset.labels,
        classes=dataset.classes,
        held=held,
        recipe=recipe,
        tried=dataset.newest(without=held) if searched else None,
        rival=rival(dataset, versions, answers, plan.rule, recipe.archive, definition_version) if held is None else None,
        compared=dataset.newest() if held is None else None,
        due=due,
        categories=categories,
    )
