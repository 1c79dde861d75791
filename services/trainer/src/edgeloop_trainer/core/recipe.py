"""Recipe of a fit: family, hyper-parameters, search and contenders."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeloop_trainer.core.families import ONLINE, ONLINE_REGRESSORS, Family
from edgeloop_trainer.core.online_group import MOST_TREES, OnlineGroup, OnlineSpec
from edgeloop_trainer.core.recall import ARCHIVED

# Bounds of settings and policies, both included.
RANGES = {"trees": (1, 1_000), "min_leaf": (1, 1 << 31), "search_trials": (1, 1_000), "archive": (0, 100)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Parameters of a fit.

    Attributes
    ----------
    family
        Kind of model.
    trees
        Trees of a forest, or rounds of boosting.
    min_leaf
        Minimum number of rows in a leaf of a forest.
    seed
        Seed of every random choice. It is the same for all streams, so that the name of a stream does not change a model.
    search_seconds
        Wall time of the search for hyper-parameters before the fit; 0 for no search. If time ends a search, two fits of the same rows
        may differ.
    search_trials
        Maximum number of search steps. If this ends the search, equal rows give equal models.
    archive
        Number of archived versions that contend with the fit, see :mod:`edgeloop_trainer.core.recall`; 0 for none.
    challengers
        Online families that contend with the fit.
    """

    family: Family = Family.EXTRA_TREES
    trees: int = 25
    min_leaf: int = 2
    seed: int = 0
    search_seconds: float = 0.0
    search_trials: int = 30
    archive: int = ARCHIVED
    challengers: tuple[Family, ...] = ()

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: expected {least} to {most}, given {getattr(self, name)}")
        if fitted := [family for family in self.challengers if family not in ONLINE]:
            raise ValueError(f"challengers: expected online families ({', '.join(sorted(ONLINE))}), given {fitted[0]}")

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters as events carry them."""
        return {"family": self.family.value, "trees": str(self.trees), "min_leaf": str(self.min_leaf), "seed": str(self.seed)}

    @property
    def online_specs(self) -> tuple[OnlineSpec, ...]:
        """Online models of the recipe, its own family first."""
        families = [family for family in dict.fromkeys((self.family, *self.challengers)) if family in ONLINE]
        return tuple(OnlineSpec(family, min(self.trees, MOST_TREES), self.seed) for family in families)

    def online_group(self, stream: str, width: int, *, numbers: bool, categories: tuple[int, ...] = ()) -> OnlineGroup | None:
        """The online models of a stream; ``None`` for none. Where labels are numbers, pure classifiers are left out."""
        specs = self.online_specs
        if numbers:
            specs = tuple(replace(spec, numbers=True) for spec in specs if spec.family in ONLINE_REGRESSORS)
        return OnlineGroup(stream, width, specs, categories) if specs else None
