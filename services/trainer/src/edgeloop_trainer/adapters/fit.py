"""One fit, from rows to a checked ONNX file. Only the child process imports this."""

from __future__ import annotations

import hashlib
import time
import warnings
from importlib.metadata import version

import numpy as np

from edgeloop_trainer.adapters.estimators import answers, constant, pipeline
from edgeloop_trainer.adapters.onnx_export import ParityError, check_parity, export
from edgeloop_trainer.core.dataset import Flags, Floats, Ints
from edgeloop_trainer.core.fits import Failed, FitJob, Fitted, Recipe, Trial
from edgeloop_trainer.core.gate import Tally
from edgeloop_trainer.core.spaces import Chosen


def fit(job: FitJob) -> Fitted | Failed:
    """Search, where that is wanted, fit, judge on the rows held out, convert and check.

    Whatever goes wrong is an answer too: nothing that is in the rows may end the process.
    """
    started = time.perf_counter()
    parameters = job.recipe.parameters | {name: version(name) for name in ("scikit-learn", "skl2onnx")}
    metrics = {"rows": float(len(job.labels)), "classes": float(len(job.classes))}
    trials: tuple[Trial, ...] = ()

    def failed(reason: str) -> Failed:
        return Failed(reason, metrics, parameters, time.perf_counter() - started, trials)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns without values, or solvers that could go on: parity tells what counts
            chosen: Chosen = {}
            if job.recipe.search_seconds and len(job.classes) > 1:
                chosen, trials = _searched(job)
                parameters |= {name: str(value) for name, value in chosen.items()} | {"trials": str(len(trials))}
            tally = None if job.held is None else against_majority(job.recipe, chosen, job.features, job.labels, job.held)
            model = (pipeline(job.recipe, chosen) if len(job.classes) > 1 else constant()).fit(job.features, job.labels)
            onnx = export(model, job.features.shape[1])
            metrics["training_accuracy"] = float((model.predict(job.features) == job.labels).mean())
            metrics |= check_parity(model, onnx, job.features)
    except ParityError as error:
        return failed(f"ONNX differs: {error}")
    except MemoryError:
        return failed("the fit needs more memory than it may have")
    except Exception as error:  # scikit-learn and the converter raise what they meet, with rows from outside
        return failed(f"{type(error).__name__}: {error}")
    metrics |= tally.metrics if tally else {}
    return Fitted(onnx, hashlib.sha256(onnx).hexdigest(), metrics, parameters, time.perf_counter() - started, tally, trials)


def against_majority(recipe: Recipe, chosen: Chosen, features: Floats, labels: Ints, held: Flags) -> Tally:
    """Fit on the rows that are not held out, and count on the others against the majority class of the first."""
    older, truth = labels[~held], labels[held]
    majority = int(np.bincount(older, minlength=1).argmax())
    right = answers(recipe, chosen, (features[~held], older), features[held]) == truth
    majority_right = truth == majority
    return Tally(
        wins=int((right & ~majority_right).sum()),
        losses=int((majority_right & ~right).sum()),
        both=int((right & majority_right).sum()),
        judged=len(truth),
    )


def _searched(job: FitJob) -> tuple[Chosen, tuple[Trial, ...]]:
    from edgeloop_trainer.adapters.search import search  # Optuna takes longer to import than most fits take

    found = search(job)
    return found.chosen, found.trials
