"""What a backtest tries: one policy for everything that the loop decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any

from edgeloop_contracts import DetectionPolicy, Policy
from edgeloop_drift.core import policies as detection
from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_mixture.rule import Memory, Rule
from edgeloop_retraining.core.policy import Policy as Retraining
from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.fits import Recipe
from edgeloop_trainer.core.gate import Rule as Gate

from edgeloop_replay.errors import BadPolicyError


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPolicy:
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


def parse(content: Any) -> LoopPolicy:
    """A policy from the mapping of a YAML file; what it does not name stays at its default.

    Sections are ``detection`` (``detector``, ``parameters``, ``scopes``), ``retraining``, ``training``, ``gate`` (``minimum``)
    and ``adapter`` (``enabled`` and the fields of :class:`edgeloop_mixture.rule.Rule`; ``memories`` as pairs of rows and
    neighbours).

    Raises
    ------
    BadPolicyError
        A section, a field or a value is not what it should be.

    Examples
    --------
    >>> parse({"retraining": {"stages": [300]}}).retraining.stages
    (300,)
    """
    sections = _mapping("the policy", content)
    known = {"detection", "retraining", "training", "gate", "adapter"}
    if unknown := sorted(set(sections) - known):
        raise BadPolicyError(f"{unknown[0]}: there is no such section; there are {', '.join(sorted(known))}")
    policy = LoopPolicy()
    given = {name: _mapping(name, sections.get(name)) for name in known}
    adapter = dict(given["adapter"])
    enabled = _taken("adapter", {"enabled": adapter.pop("enabled", policy.adapters)}, {"enabled": bool})["enabled"]
    return LoopPolicy(
        detection=_detection(given["detection"]),
        retraining=_made("retraining", policy.retraining, given["retraining"]),
        training=_made("training", policy.training, given["training"]),
        gate=_made("gate", policy.gate, given["gate"]),
        adapter=_made("adapter", policy.adapter, adapter),
        adapters=enabled,
    )


def grid(content: Any) -> dict[str, Any]:
    """Every combination of the values that a file lists under ``grid``, by a name that tells them.

    ``grid`` maps dotted names to lists: ``{"retraining.budget": [1000, 3000]}``.

    Raises
    ------
    BadPolicyError
        It is not so.

    Examples
    --------
    >>> list(grid({"grid": {"retraining.gate": [100, 200]}}))
    ['retraining.gate=100', 'retraining.gate=200']
    """
    base = dict(_mapping("the policy", content))
    axes = _mapping("grid", base.pop("grid", None))
    for name, values in axes.items():
        if not isinstance(values, list) or not values or name.count(".") != 1:
            raise BadPolicyError(f"grid: expected section.field with a list of values, given {name}: {values!r}")
    made: dict[str, Any] = {}
    for chosen in product(*axes.values()):
        content = {section: dict(_mapping(section, value)) for section, value in base.items()}
        for name, value in zip(axes, chosen, strict=True):
            section, _, key = name.partition(".")
            content.setdefault(section, {})[key] = value
        made[" ".join(f"{name}={value}" for name, value in zip(axes, chosen, strict=True))] = content
    return made


def detection_event(given: Mapping[str, Any]) -> DetectionPolicy:
    """The section ``detection`` as the event has it.

    Raises
    ------
    BadPolicyError
        A field is not what it should be.
    """
    taken = _taken("detection", given, {"detector": str, "parameters": dict, "scopes": list})
    for name, value in taken.get("parameters", {}).items():
        if not isinstance(value, int | float | str):
            raise BadPolicyError(f"detection.parameters.{name}: expected a number or a text, given {value!r}")
    return DetectionPolicy(
        detector=taken.get("detector"),
        parameters={name: json.dumps(value) for name, value in taken["parameters"].items()} if "parameters" in taken else None,
        scopes=tuple(taken["scopes"]) if "scopes" in taken else None,
    )


def _detection(given: Mapping[str, Any]) -> Rules:
    try:
        return detection.taken(Rules(), Policy(detection=detection_event(given)))
    except ValueError as error:
        raise BadPolicyError(f"detection: {error}") from None


def _made(section: str, default: Any, given: Mapping[str, Any]) -> Any:
    """The default with what was given, types checked against it."""
    names = {each.name: getattr(default, each.name) for each in fields(default)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in names:
            raise BadPolicyError(f"{section}.{name}: there is no such field; there are {', '.join(names)}")
        values[name] = _converted(f"{section}.{name}", names[name], value)
    try:
        return replace(default, **values)
    except ValueError as error:
        raise BadPolicyError(f"{section}: {error}") from None


def _converted(place: str, default: Any, value: Any) -> Any:
    match default:
        case bool() if isinstance(value, bool):
            return value
        case Family():
            if value in list(Family):
                return Family(value)
            raise BadPolicyError(f"{place}: expected one of {', '.join(Family)}, given {value!r}")
        case str() if isinstance(value, str):
            return value
        case float() if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case int() if isinstance(value, int) and not isinstance(value, bool) and not isinstance(default, bool):
            return value
        case tuple() if isinstance(value, list):
            if place == "training.challengers":
                return tuple(_converted(place, Family.EXTRA_TREES, each) for each in value)
            if all(isinstance(v, int) for v in value):
                return tuple(value)
            if all(isinstance(v, list) and len(v) == 2 and all(isinstance(n, int) for n in v) for v in value):
                return tuple(Memory(*v) for v in value)
        case _:
            pass
    raise BadPolicyError(f"{place}: expected something like {default!r}, given {value!r}")


def _taken(section: str, given: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in kinds:
            raise BadPolicyError(f"{section}.{name}: there is no such field; there are {', '.join(kinds)}")
        if not isinstance(value, kinds[name]):
            raise BadPolicyError(f"{section}.{name}: expected {kinds[name].__name__}, given {value!r}")
    return dict(given)


def _mapping(place: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise BadPolicyError(f"{place}: expected names with values, given {value!r}")
    return value
