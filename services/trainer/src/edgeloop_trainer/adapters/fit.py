"""One fit, from rows to a checked ONNX file. Only the child process imports this."""

from __future__ import annotations

import hashlib
import time
import warnings
from importlib.metadata import version

import numpy as np

from edgeloop_trainer.adapters.estimators import constant, pipeline
from edgeloop_trainer.adapters.onnx_export import ParityError, check_parity, export
from edgeloop_trainer.core.dataset import Flags, Floats, Ints
from edgeloop_trainer.core.fits import Failed, FitJob, Fitted, Recipe
from edgeloop_trainer.core.gate import Tally


def fit(job: FitJob) -> Fitted | Failed:
    """Fit, judge on the rows held out, convert and check.

    Whatever goes wrong is an answer too: nothing that is in the rows may end the process.
    """
    started = time.perf_counter()
    parameters = job.recipe.parameters | {name: version(name) for name in ("scikit-learn", "skl2onnx")}
    metrics = {"rows": float(len(job.labels)), "classes": float(len(job.classes))}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns without values, or solvers that could go on: parity tells what counts
            tally = None if job.held is None else against_majority(job.recipe, job.features, job.labels, job.held)
            model = (pipeline(job.recipe) if len(job.classes) > 1 else constant()).fit(job.features, job.labels)
            onnx = export(model, job.features.shape[1])
            metrics["training_accuracy"] = float((model.predict(job.features) == job.labels).mean())
            metrics |= check_parity(model, onnx, job.features)
    except ParityError as error:
        return Failed(f"ONNX differs: {error}", metrics, parameters, time.perf_counter() - started)
    except MemoryError:
        return Failed("the fit needs more memory than it may have", metrics, parameters, time.perf_counter() - started)
    except Exception as error:  # scikit-learn and the converter raise what they meet, with rows from outside
        return Failed(f"{type(error).__name__}: {error}", metrics, parameters, time.perf_counter() - started)
    metrics |= tally.metrics if tally else {}
    seconds = time.perf_counter() - started
    return Fitted(onnx, hashlib.sha256(onnx).hexdigest(), metrics, parameters, seconds, tally)


def against_majority(recipe: Recipe, features: Floats, labels: Ints, held: Flags) -> Tally:
    """Fit on the rows that are not held out, and count on the others against the majority class of the first."""
    older, truth = labels[~held], labels[held]
    majority = int(np.bincount(older).argmax())
    one_class = len(np.unique(older)) < 2
    answers = np.full(len(truth), majority) if one_class else pipeline(recipe).fit(features[~held], older).predict(features[held])
    right, majority_right = answers == truth, truth == majority
    return Tally(
        wins=int((right & ~majority_right).sum()),
        losses=int((majority_right & ~right).sum()),
        both=int((right & majority_right).sum()),
        judged=len(truth),
    )
