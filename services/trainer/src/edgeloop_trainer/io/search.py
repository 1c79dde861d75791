"""Search for hyper-parameters before a fit; imported for the first search only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from edgeloop_trainer.core.dataset import Floats, Truth
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import SearchStep
from edgeloop_trainer.core.model_metrics import model_metrics
from edgeloop_trainer.core.search_spaces import SPACES, Dimension, Hyperparameters
from edgeloop_trainer.io.estimators import answers


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search.

    Attributes
    ----------
    chosen
        Hyper-parameters of the best step; empty if no step was better than the recipe itself.
    steps
        All steps; the first is the recipe itself.
    """

    chosen: Hyperparameters
    steps: tuple[SearchStep, ...]


def search(job: FitJob, clock: Callable[[], float] = time.perf_counter) -> SearchResult:
    """Try hyper-parameters within the seconds and steps of the recipe, on validation rows that no gate judges later.

    The first step is the recipe itself, so a search cannot make a model worse on the validation rows. Of equal steps the first wins.
    A step begins only if it would end in time, should it take as long as the longest so far. Optuna's TPE sampler draws the next
    choice under the seed of the recipe, so it depends on the earlier steps only.
    """
    assert job.validation is not None
    recipe, fitted = job.recipe, ~job.validation if job.held is None else ~(job.validation | job.held)
    older, newer = (job.features[fitted], job.labels[fitted]), (job.features[job.validation], job.labels[job.validation])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=recipe.seed))
    space = {name: _distribution(dimension) for name, dimension in SPACES[recipe.family].items()}
    started = clock()
    steps: list[SearchStep] = []
    best, chosen = -math.inf, {}
    while len(steps) < recipe.search_trials:
        drawn = study.ask(space) if steps else None
        given = {} if drawn is None else dict(drawn.params)
        step = _step(job, given, older, newer, clock)
        steps.append(step)
        score = _score(step)
        if score > best:
            best, chosen = score, given
        if drawn is not None:
            study.tell(drawn, None if step.reason else score, optuna.trial.TrialState.FAIL if step.reason else None)
        if clock() - started + max(done.seconds for done in steps) > recipe.search_seconds:
            break
    return SearchResult(chosen, tuple(steps))


def _score(step: SearchStep) -> float:
    """Score of a step; larger is better."""
    return step.metrics.get("accuracy", -step.metrics.get("mae", math.inf))


def _step(
    job: FitJob, chosen: Hyperparameters, older: tuple[Floats, Truth], newer: tuple[Floats, Truth], clock: Callable[[], float]
) -> SearchStep:
    recipe, numbers = job.recipe, job.numbers
    parameters = recipe.parameters | {name: str(value) for name, value in chosen.items()}
    started = clock()
    try:
        answered = answers(recipe, chosen, older, newer[0], numbers=numbers, categories=job.categories)
    except MemoryError:
        return SearchStep(parameters, {}, clock() - started, "the fit needs more memory than it may have")
    except Exception as error:  # as in a fit: a failure is a result, too
        return SearchStep(parameters, {}, clock() - started, f"{type(error).__name__}: {error}")
    return SearchStep(parameters, {**model_metrics(answered, newer[1], numbers=numbers), "rows": float(len(answered))}, clock() - started)


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension.low, int) and isinstance(dimension.high, int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
