"""The search for hyper-parameters before a fit. Only the child process imports this, and only when one is wanted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from edgeloop_trainer.core.dataset import Floats, Truth
from edgeloop_trainer.core.fits import FitJob, Trial
from edgeloop_trainer.core.scores import measured
from edgeloop_trainer.core.spaces import SPACES, Chosen, Dimension
from edgeloop_trainer.io.estimators import answers


@dataclass(frozen=True, slots=True)
class Searched:
    """What came of a search.

    Attributes
    ----------
    chosen
        Of the best trial; nothing if none was better than the recipe as it is.
    trials
        All, the recipe as it is first.
    """

    chosen: Chosen
    trials: tuple[Trial, ...]


def search(job: FitJob, clock: Callable[[], float] = time.perf_counter) -> Searched:
    """Try hyper-parameters within the recipe's seconds and trials, on rows that no gate judges later.

    The first trial is the recipe as it is, so that a search cannot make a model worse on the rows that it is judged on; of equal
    trials the first is taken. No trial begins that would end too late if it took as long as the longest so far. What to try next is
    drawn by Optuna's TPE sampler under the recipe's seed, hence it depends on the trials before it only.
    """
    assert job.tried is not None
    recipe, fitted = job.recipe, ~job.tried if job.held is None else ~(job.tried | job.held)
    older, newer = (job.features[fitted], job.labels[fitted]), (job.features[job.tried], job.labels[job.tried])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=recipe.seed))
    space = {name: _distribution(dimension) for name, dimension in SPACES[recipe.family].items()}
    started = clock()
    trials: list[Trial] = []
    best, chosen = -math.inf, {}
    while len(trials) < recipe.search_trials:
        asked = study.ask(space) if trials else None
        given = {} if asked is None else dict(asked.params)
        trial = _tried(job, given, older, newer, clock)
        trials.append(trial)
        score = _score(trial)
        if score > best:
            best, chosen = score, given
        if asked is not None:
            study.tell(asked, None if trial.reason else score, optuna.trial.TrialState.FAIL if trial.reason else None)
        if clock() - started + max(done.seconds for done in trials) > recipe.search_seconds:
            break
    return Searched(chosen, tuple(trials))


def _score(trial: Trial) -> float:
    """The more the better."""
    return trial.metrics.get("accuracy", -trial.metrics.get("mae", math.inf))


def _tried(job: FitJob, chosen: Chosen, older: tuple[Floats, Truth], newer: tuple[Floats, Truth], clock: Callable[[], float]) -> Trial:
    recipe, numbers = job.recipe, job.numbers
    parameters = recipe.parameters | {name: str(value) for name, value in chosen.items()}
    started = clock()
    try:
        said = answers(recipe, chosen, older, newer[0], numbers=numbers, categories=job.categories)
    except MemoryError:
        return Trial(parameters, {}, clock() - started, "the fit needs more memory than it may have")
    except Exception as error:  # as in a fit: hyper-parameters that do not go with these rows are an answer too
        return Trial(parameters, {}, clock() - started, f"{type(error).__name__}: {error}")
    return Trial(parameters, {**measured(said, newer[1], numbers=numbers), "rows": float(len(said))}, clock() - started)


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension.low, int) and isinstance(dimension.high, int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
