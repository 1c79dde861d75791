"""Who stands at the gate: a fit, an archived version, or a model that has learned beside the fits. Only the child process imports this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeloop_trainer.adapters.estimators import answers
from edgeloop_trainer.core.fits import ONLINE, FitJob
from edgeloop_trainer.core.recall import Rival, compared, goes_before, scores
from edgeloop_trainer.core.spaces import Chosen

if TYPE_CHECKING:
    from edgeloop_trainer.adapters.online import OnlineModel


def contest(job: FitJob, chosen: Chosen, online: Sequence[OnlineModel]) -> tuple[Rival | OnlineModel | None, dict[str, float]]:
    """The contender that did best on the newest rows, ``None`` for the fit; and what each came to there.

    A fit of the other rows and the archived version answer the same rows; an online model has answered as many of the newest rows before
    it learned from them. None of them has seen what it is judged on. Of equals the fit is taken, then the archived version.

    Where the recipe's family is an online one, that model takes the fit's part. A stream's first version is always the recipe's own.
    """
    own = online[0] if job.recipe.family in ONLINE and online else None
    others = online[1:] if own else online
    if job.held is not None or job.compared is None or not (job.rival or others):
        return own, {}
    rows = int(job.compared.sum())
    told: dict[str, float] = {}
    best: Rival | OnlineModel | None = own
    if own is not None:
        right = own.right(rows)
        told[f"{own.learner.family}_accuracy"] = right / rows
        ahead = job.rival is not None and job.rival.scores.sum() > right
    else:
        older = job.features[~job.compared], job.labels[~job.compared]
        said = answers(job.recipe, chosen, older, job.features[job.compared], numbers=job.numbers)
        fresh = scores(said, job.labels[job.compared], numbers=job.numbers)
        right, ahead = int(fresh.sum()), False
        told["fresh_mae" if job.numbers else "fresh_accuracy"] = float(fresh.mean())
        if job.rival is not None:
            ahead = goes_before(compared(job.rival.scores, fresh, numbers=job.numbers))
    if job.rival is not None:
        told["archive_mae" if job.numbers else "archive_accuracy"] = float(job.rival.scores.mean())
        if ahead:
            best, right = job.rival, int(job.rival.scores.sum())
    for model in others:
        told[f"{model.learner.family}_accuracy"] = model.right(rows) / rows
        if model.right(rows) > right:
            best, right = model, model.right(rows)
    return best, told
