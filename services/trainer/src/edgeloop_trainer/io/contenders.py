"""Contenders for the gate: a fit, an archived version and online models. Only the child process imports this."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.recall import Rival, compared, recall_wins, scores
from edgeloop_trainer.core.search_spaces import Hyperparameters
from edgeloop_trainer.io.estimators import answers

if TYPE_CHECKING:
    from edgeloop_trainer.io.online_models import OnlineModel


def best_contender(
    job: FitJob, chosen: Hyperparameters, online: Sequence[OnlineModel]
) -> tuple[Rival | OnlineModel | None, dict[str, float]]:
    """The contender that did best on the newest rows, and the score of each; ``None`` is the fit.

    A fit of the older rows and the archived version answer the newest rows. An online model has answered as many rows before it learned
    them. So no contender is judged on rows that it has seen. On a tie the fit wins, then the archived version.

    If the family of the recipe is an online one, its model takes the place of the fit. The first version of a stream is always of that
    family.
    """
    own = next((model for model in online if model.spec.family is job.recipe.family), None)
    others = [model for model in online if model is not own]
    if job.held is not None or job.compared is None or not (job.rival or others):
        return own, {}

    def better(one: float, other: float) -> bool:
        return one < other if job.numbers else one > other

    measure, rows = "mae" if job.numbers else "accuracy", int(job.compared.sum())
    found: dict[str, float] = {}
    best: Rival | OnlineModel | None = own
    if own is not None:
        best_score = found[f"{own.spec.family}_{measure}"] = float(own.scores(rows).mean())
        ahead = job.rival is not None and better(float(job.rival.scores.mean()), best_score)
    else:
        older = job.features[~job.compared], job.labels[~job.compared]
        newest = job.features[job.compared]
        answered = answers(job.recipe, chosen, older, newest, numbers=job.numbers, categories=job.categories)
        fresh = scores(answered, job.labels[job.compared], numbers=job.numbers)
        best_score = found[f"fresh_{measure}"] = float(fresh.mean())
        ahead = job.rival is not None and recall_wins(compared(job.rival.scores, fresh, numbers=job.numbers))
    if job.rival is not None:
        found[f"archive_{measure}"] = float(job.rival.scores.mean())
        if ahead:
            best, best_score = job.rival, found[f"archive_{measure}"]
    for model in others:
        score = found[f"{model.spec.family}_{measure}"] = float(model.scores(rows).mean())
        if better(score, best_score):
            best, best_score = model, score
    return best, {name: value for name, value in found.items() if math.isfinite(value)}
