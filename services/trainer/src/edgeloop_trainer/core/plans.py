"""Plan of a stream: the recipe of its fits and the rule of its gate, from settings and policy."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeloop_contracts import Policy

from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Plan:
    """Recipe of the fits, and rule of the gate."""

    recipe: Recipe
    rule: Rule

    def recipe_for(self, seed: int | None) -> Recipe:
        """The recipe with the seed of a request; the recipe's own where the request has none."""
        return self.recipe if seed is None else replace(self.recipe, seed=seed)


def apply_policy(settings: Plan, policy: Policy) -> Plan:
    """The settings, overridden by a policy.

    Raises
    ------
    ValueError
        A family is unknown, or a number is out of range.
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
