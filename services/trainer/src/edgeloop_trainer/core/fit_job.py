"""The job of a fit: training data, held-out rows and contenders, as a message to the child process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from edgeloop_contracts import GateKind, ModelVersion, TrainingRequest

from edgeloop_trainer.core.dataset import Dataset, Flags, Floats, Truth
from edgeloop_trainer.core.families import ONLINE
from edgeloop_trainer.core.online_group import GroupAtRow
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recall import Answers, Rival, rival
from edgeloop_trainer.core.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class FitJob:
    """One fit.

    Attributes
    ----------
    dataset_digest
        Digest of the rows.
    features, labels, classes
        As in :class:`edgeloop_trainer.core.dataset.Dataset`.
    held
        Held-out rows, bool [N]: the challenger and a constant model are compared on them. ``None`` if the gate compares with the champion.
    recipe
        Parameters of the fit.
    validation
        Rows on which search steps are compared, bool [N], none of them held out; ``None`` without a search.
    rival
        Archived version that takes the place of the fit if it beats a fit of the older rows.
    compared
        Newest rows, bool [N], on which the contenders are compared.
    online
        Online models that contend, too. If the family of the recipe is among them, that model is the challenger.
    categories
        Number of categories of each feature, 0 for a number; empty if all features are numbers.
    """

    dataset_digest: str
    features: Floats
    labels: Truth
    classes: tuple[str, ...]
    held: Flags | None
    recipe: Recipe
    validation: Flags | None = None
    rival: Rival | None = None
    compared: Flags | None = None
    online: GroupAtRow | None = None
    categories: tuple[int, ...] = ()

    @property
    def numbers(self) -> bool:
        """Whether labels are numbers."""
        return not self.classes

    @property
    def key(self) -> str:
        """Equal for jobs with equal results."""
        held = b"" if self.held is None else self.held.tobytes()
        rival = "" if self.rival is None else f"{self.rival.digest}/{hashlib.sha256(self.rival.scores.tobytes()).hexdigest()}"
        held_digest = hashlib.sha256(held).hexdigest() if held else ""
        return f"{self.dataset_digest}/{self.recipe}/{held_digest}/{rival}/{self.online}/{self.categories}"


def fit_job(
    request: TrainingRequest,
    plan: Plan,
    dataset: Dataset,
    versions: Sequence[ModelVersion],
    answers: Answers,
    *,
    online: GroupAtRow | None = None,
    categories: tuple[int, ...] = (),
    definition_version: int = 0,
) -> FitJob:
    """The fit of a training request. Without a champion, its challenger must beat a constant model.

    Parameters
    ----------
    versions
        Versions of the stream in rising order; the last is the champion.
    answers
        Gives the class or number that a version answers for each row.
    online
        Online models of the stream at the row of the request.
    categories
        Number of categories of each feature, 0 for a number; empty if all features are numbers.
    definition_version
        Version of the stream definition.
    """
    held = dataset.newest() if request.gate == GateKind.MAJORITY or not versions else None
    recipe = plan.recipe_for(request.seed)
    searched = bool(recipe.search_seconds) and recipe.family not in ONLINE
    return FitJob(
        dataset_digest=dataset.digest,
        features=dataset.features,
        labels=dataset.labels,
        classes=dataset.classes,
        held=held,
        recipe=recipe,
        validation=dataset.newest(without=held) if searched else None,
        rival=rival(dataset, versions, answers, plan.rule, recipe.archive, definition_version) if held is None else None,
        compared=dataset.newest() if held is None else None,
        online=online,
        categories=categories,
    )
