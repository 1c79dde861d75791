"""Settings of the trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recall import ARCHIVED
from edgeloop_trainer.core.recipe import Recipe


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_TRAINER_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_TRAINER_", frozen=True)

    key_file: Path | None = Field(
        default=None,
        description="Ed25519 private key, PEM, unencrypted; the service does not start without it, since the model registry accepts signed candidates only",
    )
    model: Family = Field(default=Family.EXTRA_TREES, description="family of the models")
    trees: int = Field(default=25, description="trees of a forest, or rounds of boosting")
    min_leaf: int = Field(default=2, description="minimum number of rows in a leaf")
    seed: int = Field(default=0, ge=0, lt=1 << 32, description="seed of every random choice, for all streams")
    search_seconds: float = Field(
        default=0.0,
        ge=0,
        description="wall time of the search for hyper-parameters before each fit, at most half of the time of the fit; 0 for no search",
    )
    search_trials: int = Field(default=30, description="maximum number of search steps")
    gate_minimum: int = Field(default=4, description="wins + losses that a promotion needs before the last row of the gate")
    archive: int = Field(default=ARCHIVED, description="number of archived versions that contend with a fit; 0 for none")
    challengers: str = Field(default="", description="online families that contend with a fit, separated by commas")
    fit_seconds: float = Field(default=120.0, gt=0, description="wall time after which a fit fails")
    fit_memory_mb: int = Field(default=4_096, ge=512, description="address space of the fit process, in MiB")

    @model_validator(mode="after")
    def _search_leaves_time(self) -> Self:
        if self.search_seconds > self.fit_seconds / 2:
            raise ValueError(f"EDGELOOP_TRAINER_SEARCH_SECONDS: expected at most half of the {self.fit_seconds:g} s of a fit")
        return self

    @model_validator(mode="after")
    def _plan_makes_sense(self) -> Self:
        _ = self.plan  # raises what is wrong
        return self

    @property
    def challenger_families(self) -> tuple[Family, ...]:
        """The families of ``challengers``."""
        return tuple(Family(name.strip()) for name in self.challengers.split(",") if name.strip())

    @property
    def plan(self) -> Plan:
        """The plan of streams without a policy."""
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
