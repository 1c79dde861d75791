"""How a stream's challengers are fitted and judged, and what a policy changes about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeloop_contracts import Policy

from edgeloop_trainer.core.fits import Family, Recipe
from edgeloop_trainer.core.gate import Rule

MOST_TREES = 1_000
MOST_ARCHIVED = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe, and the rule of the gate."""

    recipe: Recipe
    rule: Rule

    def recipe_for(self, seed: int) -> Recipe:
        """The recipe with the seed that a request names; with its own where that is below zero."""
        return self.recipe if seed < 0 else replace(self.recipe, seed=seed)


def taken(settings: Plan, policy: Policy) -> Plan:
    """The settings with what a policy gives.

    Raises
    ------
    ValueError
        There is no such family, or a number is out of range.
    """
    given = policy.training
    recipe, rule = settings.recipe, settings.rule
    if given.family is not None:
        recipe = replace(recipe, family=Family(given.family))
    if given.trees is not None:
        recipe = replace(recipe, trees=_within("trees", given.trees, MOST_TREES))
    if given.min_leaf is not None:
        recipe = replace(recipe, min_leaf=_within("min_leaf", given.min_leaf))
    if given.archive is not None:
        recipe = replace(recipe, archive=_within("archive", given.archive, MOST_ARCHIVED, least=0))
    if given.challengers is not None:
        recipe = replace(recipe, challengers=tuple(Family(name) for name in given.challengers))
    if policy.gate_minimum is not None:
        rule = replace(rule, minimum=_within("gate_minimum", policy.gate_minimum))
    return Plan(recipe, rule)


def _within(name: str, value: int, most: int = 1 << 31, *, least: int = 1) -> int:
    if not least <= value <= most:
        raise ValueError(f"{name}: expected {least} to {most}, given {value}")
    return value
