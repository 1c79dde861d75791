"""Who stands at the gate: a fit, an archived version, or a model that has learned beside the fits. Only the child process imports this."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeloop_trainer.core.fits import FitJob
from edgeloop_trainer.core.recall import Rival, compared, goes_before, scores
from edgeloop_trainer.core.spaces import Chosen
from edgeloop_trainer.io.estimators import answers

if TYPE_CHECKING:
    from edgeloop_trainer.io.online import OnlineModel


def contest(job: FitJob, chosen: Chosen, online: Sequence[OnlineModel]) -> tuple[Rival | OnlineModel | None, dict[str, float]]:
    """The contender that did best on the newest rows, ``None`` for the fit; and what each came to there.

    A fit of the other rows and the archived version answer the same rows; an online model has answered as many of the newest rows before
    it learned from them. None of them has seen what it is judged on. Of equals the fit is taken, then the archived version.

    Where the recipe's family is an online one, that model takes the fit's part. A stream's first version is always the recipe's own.
    """
    own = next((model for model in online if model.learner.family is job.recipe.family), None)
    others = [model for model in online if model is not own]
    if job.held is not None or job.compared is None or not (job.rival or others):
        return own, {}

    def better(one: float, other: float) -> bool:
        return one < other if job.numbers else one > other

    measure, rows = "mae" if job.numbers else "accuracy", int(job.compared.sum())
    told: dict[str, float] = {}
    best: Rival | OnlineModel | None = own
    if own is not None:
        mark = told[f"{own.learner.family}_{measure}"] = float(own.scores(rows).mean())
        ahead = job.rival is not None and better(float(job.rival.scores.mean()), mark)
    else:
        older = job.features[~job.compared], job.labels[~job.compared]
        newest = job.features[job.compared]
        said = answers(job.recipe, chosen, older, newest, numbers=job.numbers, categories=job.categories)
        fresh = scores(said, job.labels[job.compared], numbers=job.numbers)
        mark = told[f"fresh_{measure}"] = float(fresh.mean())
        ahead = job.rival is not None and goes_before(compared(job.rival.scores, fresh, numbers=job.numbers))
    if job.rival is not None:
        told[f"archive_{measure}"] = float(job.rival.scores.mean())
        if ahead:
            best, mark = job.rival, told[f"archive_{measure}"]
    for model in others:
        found = told[f"{model.learner.family}_{measure}"] = float(model.scores(rows).mean())
        if better(found, mark):
            best, mark = model, found
    return best, {name: value for name, value in told.items() if math.isfinite(value)}
