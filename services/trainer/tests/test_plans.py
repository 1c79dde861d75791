"""Changes of fits and gates by a policy."""

from __future__ import annotations

import pytest
from edgeloop_contracts import Policy, TrainingPolicy
from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.plans import Plan, apply_policy
from edgeloop_trainer.core.recipe import Recipe

SETTINGS = Plan(Recipe(trees=9, min_leaf=3, seed=4), Rule(8))


def test_what_a_policy_does_not_give_stays_as_set():
    assert apply_policy(SETTINGS, Policy(tenant="default", stream="")) == SETTINGS
    given = Policy(tenant="default", stream="", training=TrainingPolicy(family="logistic_regression", min_leaf=5), gate_minimum=2)
    assert apply_policy(SETTINGS, given) == Plan(Recipe(Family.LOGISTIC_REGRESSION, trees=9, min_leaf=5, seed=4), Rule(2))


@pytest.mark.parametrize(
    "given",
    [
        Policy(tenant="default", stream="", training=TrainingPolicy(family="oracle")),
        Policy(tenant="default", stream="", training=TrainingPolicy(trees=0)),
        Policy(tenant="default", stream="", training=TrainingPolicy(trees=100_000)),
        Policy(tenant="default", stream="", training=TrainingPolicy(min_leaf=-1)),
        Policy(tenant="default", stream="", gate_minimum=0),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(given):
    with pytest.raises(ValueError, match=r"oracle|trees: expected 1 to 1000, given|min_leaf|minimum: expected 1 or more, given 0"):
        apply_policy(SETTINGS, given)
