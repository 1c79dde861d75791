"""Settings of the trainer."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.fits import Recipe
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recall import ARCHIVED


class Settings(BaseSettings):
    """From ``EDGELOOP_TRAINER_*`` variables.

    Attributes
    ----------
    model
        ``EDGELOOP_TRAINER_MODEL``: ``extra_trees``, ``random_forest``, ``gradient_boosting``, ``logistic_regression`` (of
        classes), ``linear`` (of numbers) or ``mlp``.
    trees
        ``EDGELOOP_TRAINER_TREES``: trees of a forest, or rounds of boosting.
    min_leaf
        ``EDGELOOP_TRAINER_MIN_LEAF``: rows that a leaf has at least.
    seed
        ``EDGELOOP_TRAINER_SEED``: of every random choice, for all streams.
    search_seconds
        ``EDGELOOP_TRAINER_SEARCH_SECONDS``: wall time for a search of hyper-parameters before each fit; 0 for none. At most half of
        ``fit_seconds``, as it counts as part of the fit.
    search_trials
        ``EDGELOOP_TRAINER_SEARCH_TRIALS``: trials after which a search ends at the latest.
    gate_minimum
        ``EDGELOOP_TRAINER_GATE_MINIMUM``: rows that tell the two apart which a promotion before the gate's last row needs.
    archive
        ``EDGELOOP_TRAINER_ARCHIVE``: archived versions that a fresh fit has to beat; 0 for none.
    challengers
        ``EDGELOOP_TRAINER_CHALLENGERS``: online families that a fresh fit has to beat, separated by commas.
    fit_seconds
        ``EDGELOOP_TRAINER_FIT_SECONDS``: wall time after which a fit has failed.
    fit_memory_mb
        ``EDGELOOP_TRAINER_FIT_MEMORY_MB``: address space of the fitting process.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_TRAINER_", frozen=True)

    model: Family = Family.EXTRA_TREES
    trees: int = 25
    min_leaf: int = 2
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    search_seconds: float = Field(default=0.0, ge=0)
    search_trials: int = 30
    gate_minimum: int = 4
    archive: int = ARCHIVED
    challengers: str = ""
    fit_seconds: float = Field(default=120.0, gt=0)
    fit_memory_mb: int = Field(default=4_096, ge=512)

    @model_validator(mode="after")
    def _search_leaves_time(self) -> Self:
        if self.search_seconds > self.fit_seconds / 2:
            raise ValueError(f"EDGELOOP_TRAINER_SEARCH_SECONDS: expected at most half of the {self.fit_seconds:g} s of a fit")
        return self

    @model_validator(mode="after")
    def _plan_makes_sense(self) -> Self:
        _ = self.plan  # says what is wrong
        return self

    @property
    def challenger_families(self) -> tuple[Family, ...]:
        """The challengers by their names."""
        return tuple(Family(name.strip()) for name in self.challengers.split(",") if name.strip())

    @property
    def plan(self) -> Plan:
        """How to fit and judge, where no policy says otherwise."""
        recipe = Recipe(
            self.model,
            self.trees,
            self.min_leaf,
            self.seed,
            self.search_seconds,
            self.search_trials,
            self.archive,
            self.challenger_families,
        )
        return Plan(recipe, Rule(self.gate_minimum))
