"""One fit: from rows to a verified ONNX file. Only the child process and a replay import this."""

from __future__ import annotations

import hashlib
import time
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from edgeloop_trainer.core.dataset import Flags
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import DatasetSummary, Failed, Fitted, SearchStep
from edgeloop_trainer.core.gate import NumberTally, Tally
from edgeloop_trainer.core.model_metrics import model_metrics
from edgeloop_trainer.core.recall import Rival
from edgeloop_trainer.core.search_spaces import Hyperparameters
from edgeloop_trainer.io.contenders import best_contender
from edgeloop_trainer.io.estimators import answers, fitted
from edgeloop_trainer.io.onnx_export import ParityError, check_numbers, check_parity, export

if TYPE_CHECKING:
    from edgeloop_trainer.io.online_models import OnlineModel, OnlineModels

PROBED_ONLINE = 100  # rows; River answers them one by one


def fit(job: FitJob, online: OnlineModels | None = None) -> Fitted | Failed:
    """Search for hyper-parameters if the recipe asks for it, fit, judge on the held-out rows, convert to ONNX, and compare both models.

    A failure is a result, too: no row may end the process.

    Parameters
    ----------
    online
        The online models of all streams.
    """
    started = time.perf_counter()
    parameters = job.recipe.parameters | {name: version(name) for name in ("scikit-learn", "skl2onnx")}
    metrics = {"rows": float(len(job.labels))} | ({} if job.numbers else {"classes": float(len(job.classes))})
    steps: tuple[SearchStep, ...] = ()

    def failed(reason: str) -> Failed:
        return Failed(reason, metrics, parameters, time.perf_counter() - started, steps)

    models = online.models(job.online.group) if online and job.online else []
    parameters |= {f"{model.spec.family}_broken": model.broken for model in models if model.broken}
    if job.online and (online is None or online.row(job.online.group) != job.online.row):
        return Failed(f"the online models have not learned the rows up to {job.online.row}", behind=True)
    own = next((model for model in models if model.spec.family is job.recipe.family), None)
    if own is not None and own.broken:
        return failed(f"{job.recipe.family} cannot go on: {own.broken}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty columns, or solvers that could go on; the parity check decides
            chosen: Hyperparameters = {}
            if job.validation is not None and not (job.labels == job.labels[:1]).all():
                chosen, steps = _searched(job)
                parameters |= {name: str(value) for name, value in chosen.items()} | {
                    "trials": str(len(steps)),
                    "optuna": version("optuna"),
                }
            ahead, scores = best_contender(job, chosen, [model for model in models if not model.broken])
            metrics |= scores
            if isinstance(ahead, Rival):
                seconds = time.perf_counter() - started
                return Fitted(b"", ahead.digest, metrics, parameters, seconds, None, steps, ahead.version)
            if ahead is not None:
                return exported(ahead, job, metrics, started, steps)
            tally = None if job.held is None else against_constant(job, chosen, job.held)
            model = fitted(job.recipe, chosen, job.features, job.labels, numbers=job.numbers, categories=job.categories)
            onnx = export(model, job.features.shape[1])
            training = model_metrics(model.predict(job.features), job.labels, numbers=job.numbers)
            metrics |= {f"training_{name}": value for name, value in training.items()}
            metrics |= (check_numbers if job.numbers else check_parity)(model, onnx, job.features)
    except ParityError as error:
        return failed(f"ONNX differs: {error}")
    except MemoryError:
        return failed("the fit needs more memory than it may have")
    except Exception as error:  # scikit-learn and the converter raise any error, on rows from outside
        return failed(f"{type(error).__name__}: {error}")
    metrics |= tally.metrics if tally else {}
    return Fitted(onnx, hashlib.sha256(onnx).hexdigest(), metrics, parameters, time.perf_counter() - started, tally, steps)


def against_constant(job: FitJob, chosen: Hyperparameters, held: Flags) -> Tally:
    """Fit the older rows, and compare on the held-out rows with the majority class, or the median, of the older ones."""
    older, truth = job.labels[~held], job.labels[held]
    rows = job.features[~held], older
    answered = answers(job.recipe, chosen, rows, job.features[held], numbers=job.numbers, categories=job.categories)
    if job.numbers:
        median = float(np.median(older)) if len(older) else 0.0
        tally = NumberTally()
        for outcome in zip(np.abs(answered - truth).tolist(), np.abs(median - truth).tolist(), strict=True):
            tally = tally.add(outcome)
        return tally
    majority = int(np.bincount(older, minlength=1).argmax())
    right, majority_right = answered == truth, truth == majority
    return Tally(
        wins=int((right & ~majority_right).sum()),
        losses=int((majority_right & ~right).sum()),
        both=int((right & majority_right).sum()),
        judged=len(truth),
    )


def exported(model: OnlineModel, job: FitJob, metrics: dict[str, float], started: float, steps: tuple[SearchStep, ...]) -> Fitted:
    """The challenger made of an online model in its present state."""
    onnx = model.export()
    metrics = metrics | {"rows": float(model.learned)} | ({} if job.numbers else {"classes": float(len(model.classes))})
    metrics |= (check_numbers if job.numbers else check_parity)(model.river, onnx, job.features[-PROBED_ONLINE:])
    tally = None if job.held is None else model.against_constant(int(job.held.sum()))
    metrics |= tally.metrics if tally else {}
    parameters = model.spec.parameters | {"river": version("river")}
    learned = DatasetSummary(model.learned, model.digest, model.classes)
    seconds = time.perf_counter() - started
    return Fitted(onnx, hashlib.sha256(onnx).hexdigest(), metrics, parameters, seconds, tally, steps, learned=learned)


def _searched(job: FitJob) -> tuple[Hyperparameters, tuple[SearchStep, ...]]:
    from edgeloop_trainer.io.search import search  # importing Optuna takes longer than most fits

    found = search(job)
    return found.chosen, found.steps
