"""What a policy changes about learning."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import Policy
from edgeloop_mixture.rule import OF_THE_LEARNER, Rule


def taken(settings: Rule, policy: Policy) -> Rule:
    """The settings with what a policy gives.

    Raises
    ------
    ValueError
        A number makes no sense.
    """
    given = {name: value for name in OF_THE_LEARNER if (value := getattr(policy.adapter, name)) is not None}
    return replace(settings, **given)
