"""How a stream's challengers are fitted and judged, and what a policy changes about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeloop_contracts import Policy

from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.fits import Recipe
from edgeloop_trainer.core.gate import Rule


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
    numbers = {name: number for name in ("trees", "min_leaf", "archive") if (number := getattr(given, name)) is not None}
    recipe = replace(recipe, **numbers)
    if given.family is not None:
        recipe = replace(recipe, family=Family(given.family))
    if given.challengers is not None:
        recipe = replace(recipe, challengers=tuple(Family(name) for name in given.challengers))
    if policy.gate_minimum is not None:
        rule = replace(rule, minimum=policy.gate_minimum)
    return Plan(recipe, rule)
