"""One fit, from rows to a checked ONNX file. Only the child process imports this."""

from __future__ import annotations

import hashlib
import time
import warnings
from importlib.metadata import version

import numpy as np

from edgeloop_trainer.adapters.estimators import answers, fitted
from edgeloop_trainer.adapters.onnx_export import ParityError, check_numbers, check_parity, export
from edgeloop_trainer.core.dataset import Flags
from edgeloop_trainer.core.fits import Failed, FitJob, Fitted, Trial
from edgeloop_trainer.core.gate import NumberTally, Tally
from edgeloop_trainer.core.recall import Rival, compared, goes_before, scores
from edgeloop_trainer.core.scores import measured
from edgeloop_trainer.core.spaces import Chosen


def fit(job: FitJob) -> Fitted | Failed:
    """Search, where that is wanted, fit, judge on the rows held out, convert and check.

    Whatever goes wrong is an answer too: nothing that is in the rows may end the process.
    """
    started = time.perf_counter()
    parameters = job.recipe.parameters | {name: version(name) for name in ("scikit-learn", "skl2onnx")}
    metrics = {"rows": float(len(job.labels))} | ({} if job.numbers else {"classes": float(len(job.classes))})
    trials: tuple[Trial, ...] = ()

    def failed(reason: str) -> Failed:
        return Failed(reason, metrics, parameters, time.perf_counter() - started, trials)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns without values, or solvers that could go on: parity tells what counts
            chosen: Chosen = {}
            if job.recipe.search_seconds and not (job.labels == job.labels[:1]).all():
                chosen, trials = _searched(job)
                parameters |= {name: str(value) for name, value in chosen.items()} | {"trials": str(len(trials))}
            if job.rival is not None:
                tally = against_fit(job, chosen, job.rival)
                told = {name.replace("gate_champion", "fresh").replace("gate", "archive"): value for name, value in tally.metrics.items()}
                metrics |= told
                if goes_before(tally):
                    seconds = time.perf_counter() - started
                    return Fitted(b"", job.rival.digest, metrics, parameters, seconds, None, trials, job.rival.version)
            tally = None if job.held is None else against_constant(job, chosen, job.held)
            model = fitted(job.recipe, chosen, job.features, job.labels, numbers=job.numbers)
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
    said = answers(job.recipe, chosen, (job.features[~held], older), job.features[held], numbers=job.numbers)
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


def against_fit(job: FitJob, chosen: Chosen, rival: Rival) -> Tally:
    """How an archived version did on the newest rows against a fit of the others."""
    older, truth = job.labels[~rival.held], job.labels[rival.held]
    said = answers(job.recipe, chosen, (job.features[~rival.held], older), job.features[rival.held], numbers=job.numbers)
    return compared(rival.scores, scores(said, truth, numbers=job.numbers), numbers=job.numbers)


def _searched(job: FitJob) -> tuple[Chosen, tuple[Trial, ...]]:
    from edgeloop_trainer.adapters.search import search  # Optuna takes longer to import than most fits take

    found = search(job)
    return found.chosen, found.trials
