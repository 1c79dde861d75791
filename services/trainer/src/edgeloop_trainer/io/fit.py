"""One fit, from rows to a checked ONNX file. Only the child process imports this."""

from __future__ import annotations

import hashlib
import time
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from edgeloop_trainer.core.dataset import Flags
from edgeloop_trainer.core.fits import Failed, FitJob, Fitted, Lessons, Trial
from edgeloop_trainer.core.gate import NumberTally, Tally
from edgeloop_trainer.core.recall import Rival
from edgeloop_trainer.core.scores import measured
from edgeloop_trainer.core.spaces import Chosen
from edgeloop_trainer.io.contest import contest
from edgeloop_trainer.io.estimators import answers, fitted
from edgeloop_trainer.io.onnx_export import ParityError, check_numbers, check_parity, export

if TYPE_CHECKING:
    from edgeloop_trainer.io.online import OnlineModel, OnlineModels

PROBED_ONLINE = 100  # rows: River answers them one by one


def fit(job: FitJob, online: OnlineModels | None = None) -> Fitted | Failed:
    """Search, where that is wanted, fit, judge on the rows held out, convert and check.

    Whatever goes wrong is an answer too: nothing that is in the rows may end the process.

    Parameters
    ----------
    online
        The models that ``job.due`` names, and others.
    """
    started = time.perf_counter()
    parameters = job.recipe.parameters | {name: version(name) for name in ("scikit-learn", "skl2onnx")}
    metrics = {"rows": float(len(job.labels))} | ({} if job.numbers else {"classes": float(len(job.classes))})
    trials: tuple[Trial, ...] = ()

    def failed(reason: str) -> Failed:
        return Failed(reason, metrics, parameters, time.perf_counter() - started, trials)

    models = online.models(job.due.course) if online and job.due else []
    parameters |= {f"{model.learner.family}_broken": model.broken for model in models if model.broken}
    if job.due and (online is None or online.row(job.due.course) != job.due.row):
        return Failed(f"the online models have not learned the rows up to {job.due.row}", behind=True)
    own = next((model for model in models if model.learner.family is job.recipe.family), None)
    if own is not None and own.broken:
        return failed(f"{job.recipe.family} cannot go on: {own.broken}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns without values, or solvers that could go on: parity tells what counts
            chosen: Chosen = {}
            if job.tried is not None and not (job.labels == job.labels[:1]).all():
                chosen, trials = _searched(job)
                parameters |= {name: str(value) for name, value in chosen.items()} | {
                    "trials": str(len(trials)),
                    "optuna": version("optuna"),
                }
            ahead, told = contest(job, chosen, [model for model in models if not model.broken])
            metrics |= told
            if isinstance(ahead, Rival):
                seconds = time.perf_counter() - started
                return Fitted(b"", ahead.digest, metrics, parameters, seconds, None, trials, ahead.version)
            if ahead is not None:
                return exported(ahead, job, metrics, started, trials)
            tally = None if job.held is None else against_constant(job, chosen, job.held)
            model = fitted(job.recipe, chosen, job.features, job.labels, numbers=job.numbers, categories=job.categories)
            onnx = export(model, job.features.shape[1])
            scores = measured(model.predict(job.features), job.labels, numbers=job.numbers)
            metrics |= {f"training_{name}": value for name, value in scores.items()}
            metrics |= (check_numbers if job.numbers else check_parity)(model, onnx, job.features)
    except ParityError as error:
        return failed(f"ONNX differs: {error}")
    except MemoryError:
        return failed("the fit needs more memory than it may have")
    except Exception as error:  # scikit-learn and the converter raise what they meet, with rows from outside
        return failed(f"{type(error).__name__}: {error}")
    metrics |= tally.metrics if tally else {}
    return Fitted(onnx, hashlib.sha256(onnx).hexdigest(), metrics, parameters, time.perf_counter() - started, tally, trials)


def against_constant(job: FitJob, chosen: Chosen, held: Flags) -> Tally:
    """Fit on the rows that are not held out, and count on the others against the majority class, or the median, of the first."""
    older, truth = job.labels[~held], job.labels[held]
    rows = job.features[~held], older
    said = answers(job.recipe, chosen, rows, job.features[held], numbers=job.numbers, categories=job.categories)
    if job.numbers:
        median = float(np.median(older)) if len(older) else 0.0
        tally = NumberTally()
        for outcome in zip(np.abs(said - truth).tolist(), np.abs(median - truth).tolist(), strict=True):
            tally = tally.add(outcome)
        return tally
    majority = int(np.bincount(older, minlength=1).argmax())
    right, majority_right = said == truth, truth == majority
    return Tally(
        wins=int((right & ~majority_right).sum()),
        losses=int((majority_right & ~right).sum()),
        both=int((right & majority_right).sum()),
        judged=len(truth),
    )


def exported(model: OnlineModel, job: FitJob, metrics: dict[str, float], started: float, trials: tuple[Trial, ...]) -> Fitted:
    """An online model as it is now, as the challenger."""
    onnx = model.export()
    metrics = metrics | {"rows": float(model.learned)} | ({} if job.numbers else {"classes": float(len(model.classes))})
    metrics |= (check_numbers if job.numbers else check_parity)(model.river, onnx, job.features[-PROBED_ONLINE:])
    tally = None if job.held is None else model.against_constant(int(job.held.sum()))
    metrics |= tally.metrics if tally else {}
    parameters = model.learner.parameters | {"river": version("river")}
    lessons = Lessons(model.learned, model.digest, model.classes)
    seconds = time.perf_counter() - started
    return Fitted(onnx, hashlib.sha256(onnx).hexdigest(), metrics, parameters, seconds, tally, trials, lessons=lessons)


def _searched(job: FitJob) -> tuple[Chosen, tuple[Trial, ...]]:
    from edgeloop_trainer.io.search import search  # Optuna takes longer to import than most fits take

    found = search(job)
    return found.chosen, found.trials
