"""Learning rules under a policy."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import Policy
from edgeloop_mixture.rule import Rule


def apply_policy(settings: Rule, policy: Policy) -> Rule:
    """The settings with a policy's values. It changes only rules of the learner, since devices build their graphs by the others.

    Raises
    ------
    ValueError
        A number is out of its range.
    """
    return replace(settings, **{name: value for name, value in policy.adapter.as_dict().items() if value is not None})
