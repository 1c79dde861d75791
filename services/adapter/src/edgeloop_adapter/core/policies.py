"""What a policy changes about learning."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import Policy
from edgeloop_mixture.rule import Rule


def taken(settings: Rule, policy: Policy) -> Rule:
    """The settings with what a policy gives: only what the learner alone looks at, as devices build their graphs by all else.

    Raises
    ------
    ValueError
        A number makes no sense.
    """
    return replace(settings, **{name: value for name, value in policy.adapter.as_dict().items() if value is not None})
