"""Policy events from policy files, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from edgeloop_adapter.core import policies as adapter
from edgeloop_contracts import AdapterPolicy, Policy, RetrainingPolicy, RolloutPolicy, TrainingPolicy
from edgeloop_drift.core import policies as detection
from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_mixture.rule import Rule as Learning
from edgeloop_retraining.core import policy as retraining
from edgeloop_rollout.core import policies as rollout
from edgeloop_trainer.core import plans as training
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.recipe import Recipe
from pydantic import BaseModel

from edgeloop_replay.errors import BadPolicyError
from edgeloop_replay.policy_file import read

# What each service makes of a policy, with its own defaults as settings.
TAKEN: Mapping[str, Callable[[Policy], object]] = {
    "retraining": lambda policy: retraining.apply_policy(retraining.Policy(), policy),
    "training": lambda policy: training.apply_policy(training.Plan(Recipe(), Rule()), policy),
    "detection": lambda policy: detection.apply_policy(Rules(), policy),
    "adapter": lambda policy: adapter.apply_policy(Learning(), policy),
    "rollout": lambda policy: rollout.apply_policy(rollout.Plan(), policy),
}


def event(content: Any, tenant: str, stream: str, name: str, version: int) -> Policy:
    """The event that gives what the mapping of a YAML file names, and nothing else.

    Raises
    ------
    BadPolicyError
        It cannot be used, or not while running.

    Examples
    --------
    >>> event({"retraining": {"stages": [300]}}, "default", "pumps", "late", 1).retraining.stages
    (300,)
    """
    if isinstance(content, dict) and "grid" in content:
        raise BadPolicyError("grid: a policy that is switched on is one policy; take the one that did best")
    file = read(content)
    if not any(getattr(file, section).model_fields_set for section in file.model_fields_set):
        raise BadPolicyError("it names nothing; `edgeloop policy unset` goes back to the settings")
    made = Policy(
        tenant=tenant,
        stream=stream,
        name=name,
        version=version,
        retraining=_named("retraining", RetrainingPolicy, file.retraining),
        training=_named("training", TrainingPolicy, file.training),
        gate_minimum=file.gate.minimum if file.gate.model_fields_set else None,
        detection=file.detection.event(),
        adapter=_named("adapter", AdapterPolicy, file.adapter),
        rollout=_named("rollout", RolloutPolicy, file.rollout),
    )
    for section, taken in TAKEN.items():
        try:
            taken(made)
        except ValueError as error:
            raise BadPolicyError(f"{section}: {error}") from None
    return made


def named(policy: Policy) -> dict[str, dict[str, Any]]:
    """Values of a policy, by section and field, as a YAML file would name them.

    >>> named(Policy(tenant="default", stream="", gate_minimum=8))
    {'gate': {'minimum': 8}}
    """
    content = policy.as_dict()
    parameters = content["detection"]["parameters"]
    content["detection"]["parameters"] = parameters and {name: json.loads(text) for name, text in parameters.items()}
    content["gate"] = {"minimum": content["gate_minimum"]}
    sections = {section: content[section] for section in ("detection", "retraining", "training", "gate", "adapter", "rollout")}
    kept = {section: {name: value for name, value in part.items() if value is not None} for section, part in sections.items()}
    return {section: part for section, part in kept.items() if part}


def _named(section: str, kind: Callable[..., Any], given: BaseModel) -> Any:
    """The fields that a section of the file names, as the event has them."""
    known = [each.name for each in fields(kind())]
    if unknown := [name for name in type(given).model_fields if name in given.model_fields_set and name not in known]:
        raise BadPolicyError(f"{section}.{unknown[0]}: cannot be changed while running; what can is {', '.join(known)}")
    return kind(**{name: getattr(given, name) for name in given.model_fields_set})
