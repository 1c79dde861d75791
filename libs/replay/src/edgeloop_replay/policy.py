"""One policy for everything that the loop decides, and grids of policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any, Self

from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_mixture.rule import Rule
from edgeloop_retraining.core.policy import Policy as Retraining
from edgeloop_trainer.core.gate import Rule as Gate
from edgeloop_trainer.core.recipe import Recipe

from edgeloop_replay.errors import BadPolicyError
from edgeloop_replay.policy_file import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The parts of a policy, as the services have them.

    Attributes
    ----------
    detection, retraining, training, adapter
        Of the services of these names.
    gate
        Of the trainer.
    adapters
        Whether a mixture learns between the fits.
    """

    detection: Rules = field(default_factory=Rules)
    retraining: Retraining = field(default_factory=Retraining)
    training: Recipe = field(default_factory=Recipe)
    gate: Gate = field(default_factory=Gate)
    adapter: Rule = field(default_factory=Rule)
    adapters: bool = True

    @classmethod
    def parse(cls, content: Any) -> Self:
        """A policy from the content of a YAML file; a field that it does not name keeps its default.

        Raises
        ------
        BadPolicyError
            It cannot be used; the message has one line for each fault, with section, field, expected and given.

        Examples
        --------
        >>> Policy.parse({"retraining": {"stages": [300]}}).retraining.stages
        (300,)
        """
        file = read(content)
        return cls(
            detection=file.detection.made(),
            retraining=file.retraining.made(),
            training=file.training.made(),
            gate=file.gate.made(),
            adapter=file.adapter.made(),
            adapters=file.adapter.enabled,
        )


def grid(content: Any) -> dict[str, Any]:
    """Every combination of the values that a file lists under ``grid``, by a name that gives them.

    ``grid`` maps dotted names to lists: ``{"retraining.budget": [1000, 3000]}``. A file that is no mapping, or has sections that are none, is
    given back as it is, for :meth:`Policy.parse` to refuse.

    Raises
    ------
    BadPolicyError
        ``grid`` is no such mapping.

    Examples
    --------
    >>> list(grid({"grid": {"retraining.gate": [100, 200]}}))
    ['retraining.gate=100', 'retraining.gate=200']
    """
    if not isinstance(content, dict):
        return {"": content}
    base = dict(content)
    axes = base.pop("grid", None) or {}
    if not isinstance(axes, dict):
        raise BadPolicyError(f"grid: expected section.field with a list of values, given {axes!r}")
    for name, values in axes.items():
        if not isinstance(name, str) or not isinstance(values, list) or not values or name.count(".") != 1:
            raise BadPolicyError(f"grid: expected section.field with a list of values, given {name}: {values!r}")
    made: dict[str, Any] = {}
    for chosen in product(*axes.values()):
        combined = dict(base)
        for name, value in zip(axes, chosen, strict=True):
            section, _, key = name.partition(".")
            given = combined.get(section) or {}
            combined[section] = {**given, key: value} if isinstance(given, dict) else given
        made[" ".join(f"{name}={value}" for name, value in zip(axes, chosen, strict=True))] = combined
    return made
